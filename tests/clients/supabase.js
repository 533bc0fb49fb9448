// What an app built on supabase-js does with a server; prints what it got as JSON.
// Arguments: the server's URL, a device's token, the id of a text version.
import { connect, invoke, told, versesSince } from './page/supabase.js'

const [url, token, version] = process.argv.slice(2)
const client = connect(url)
const PAGE = 500

async function byRange() {
  const ids = []
  let total
  do {
    const asked = client.from('verse_texts').select('id', { count: 'exact' })
      .eq('text_version_id', version).order('verse_id').range(ids.length, ids.length + PAGE - 1)
    const { data, count } = await told(asked)
    ids.push(...data.map((row) => row.id))
    total = count
  } while (ids.length < total)
  return ids
}

const ours = () => client.from('verse_texts').select().eq('text_version_id', version)
const some = client.from('verse_texts').select('verse_id, verse_text')
  .eq('text_version_id', version)
  .or('verse_id.eq."gen-1-2",and(verse_id.in.(gen-1-3,gen-1-4),verse_text.neq.x)')
  .not('verse_text', 'is', null).order('verse_id', { ascending: false })
const one = () => ours().eq('verse_id', 'gen-1-2').single()
const counted = client.from('verse_texts').select('*', { count: 'exact', head: true })
  .eq('text_version_id', version)
const all = await byRange()
const edit = (recordId) => ({
  table: 'verse_texts',
  recordId,
  operation: 'UPDATE',
  record: { verse_text: 'Hapo mwanzo' },
  localTimestamp: new Date().toISOString(),
})
const edits = { batchId: `supabase-${version}`, changes: all.slice(0, PAGE + 100).map(edit) }
console.log(JSON.stringify({
  uploaded: await invoke(client, 'sync/upload', edits, token),
  byRange: all,
  byLastId: (await versesSince(client, version, '2000-01-01T00:00:00Z')).map((row) => row.id),
  some: (await told(some)).data,
  wrong: (await client.from('verse_texts').select('seq')).error,
  none: (await ours().eq('verse_id', 'rev-1-1').single()).error,
  head: (await told(counted)).count,
  changes: (await invoke(client, 'sync/changes', { scopes: [{ textVersionId: version }] })).changes.length,
  after: (await told(one())).data.verse_text,
  written: (await client.from('verse_texts').insert({ id: all[0] })).status,
}))
