// What an app built on supabase-js does with a hotspot; prints what it got as JSON.
// Arguments: the hotspot's URL, a device's token, the id of a text version.
import { createClient } from '@supabase/supabase-js'

const [url, token, version] = process.argv.slice(2)
const client = createClient(url, 'any-key', { auth: { persistSession: false } })
const PAGE = 500

async function told(asked) {
  const { data, error, count, status } = await asked
  if (error) throw new Error(`${status}: ${JSON.stringify(error)}`)
  return { data, count }
}

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

async function byLastId() {
  const ids = []
  for (;;) {
    let asked = client.from('verse_texts').select('*').gte('updated_at', '2000-01-01T00:00:00Z')
      .eq('text_version_id', version).is('deleted_at', null)
      .order('updated_at').order('id').limit(PAGE)
    if (ids.length) asked = asked.gt('id', ids.at(-1))
    const { data } = await told(asked)
    if (!data.length) return ids
    ids.push(...data.map((row) => row.id))
  }
}

async function invoke(name, body, headers = {}) {
  const { data, error } = await client.functions.invoke(name, { body, headers })
  if (error) throw new Error(`${name}: ${error} ${await error.context?.text?.()}`)
  return data
}

const some = client.from('verse_texts').select('verse_id, verse_text')
  .or('verse_id.eq."gen-1-2",and(verse_id.in.(gen-1-3,gen-1-4),verse_text.neq.x)')
  .not('verse_text', 'is', null).order('verse_id', { ascending: false })
const one = () => client.from('verse_texts').select().eq('verse_id', 'gen-1-2').single()
const all = await byRange()
const edit = (recordId) => ({
  table: 'verse_texts',
  recordId,
  operation: 'UPDATE',
  record: { verse_text: 'Hapo mwanzo' },
  localTimestamp: new Date().toISOString(),
})
const edits = { batchId: 'from-supabase-js', changes: all.slice(0, PAGE + 100).map(edit) }
console.log(JSON.stringify({
  uploaded: await invoke('sync/upload', edits, { Authorization: `Bearer ${token}` }),
  byRange: all,
  byLastId: await byLastId(),
  some: (await told(some)).data,
  wrong: (await client.from('verse_texts').select('seq')).error,
  none: (await client.from('verse_texts').select().eq('verse_id', 'rev-1-1').single()).error,
  head: (await told(client.from('verse_texts').select('*', { count: 'exact', head: true }))).count,
  changes: (await invoke('sync/changes', { scopes: [{ textVersionId: version }] })).changes.length,
  after: (await told(one())).data.verse_text,
  written: (await client.from('verse_texts').insert({ id: all[0] })).status,
}))
