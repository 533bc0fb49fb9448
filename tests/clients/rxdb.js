// Two phones with RxDB, one server; prints what became of their edits as JSON.
// Arguments: the server's URL, the tokens of two devices, the id of a text version.
import { randomUUID, webcrypto } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRxDatabase } from 'rxdb/plugins/core'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'

import { hotspot } from './page/hotspot.js'
import { followVerses, verseTexts } from './page/rxdb.js'

globalThis.crypto ??= webcrypto // Node 18 does not show it by itself, and RxDB looks for it
const [url, first, second, version] = process.argv.slice(2)
const HOUR = 3_600_000
const ago = (hours) => new Date(Date.now() - hours * HOUR).toISOString()

async function phone(name, token) {
  const database = await createRxDatabase({ name, storage: getRxStorageMemory() })
  const { verses } = await database.addCollections({ verses: verseTexts })
  const rejected = []
  let replication
  const online = async () => {
    const onRejected = (result) => rejected.push(result.code)
    replication = followVerses(verses, hotspot(url, token), version, { onRejected })
    replication.error$.subscribe((error) => { throw error })
    await pushed()
  }
  const offline = () => replication.cancel()
  const pushed = () => replication.awaitInSync()
  const sync = async () => {
    replication.reSync()
    await pushed()
  }
  const verse = (number) => verses.findOne({ selector: { verse_id: `gen-1-${number + 1}` } }).exec(true)
  const edit = async (number, verse_text, updated_at = ago(0)) =>
    (await verse(number)).incrementalPatch({ verse_text, updated_at })
  const remove = async (number) => (await verse(number)).remove()
  const add = (verse_id, verse_text) =>
    verses.insert({ id: randomUUID(), verse_id, text_version_id: version, verse_text, updated_at: ago(0) })
  const texts = async () =>
    Object.fromEntries((await verses.find().exec()).map((one) => [one.id, one.verse_text]))
  await online()
  return { online, offline, pushed, sync, edit, remove, add, texts, rejected }
}

async function until(happened) {
  const deadline = Date.now() + 20_000
  while (!(await happened())) {
    if (Date.now() > deadline) throw new Error('it did not happen in time')
    await sleep(50)
  }
}

const ana = await phone('ana', first)
const pulled = Object.keys(await ana.texts()).length
await ana.edit(1, 'One')
await ana.pushed()
await ana.edit(1, 'One again, before it came back')
await ana.edit(2, 'Two')
await ana.remove(3)
await ana.add('gen-49-1', 'A new verse')
await ana.sync()
const ben = await phone('ben', second)

await ana.offline()
await ben.edit(4, 'By Ben, later', ago(1))
await ben.edit(5, 'By Ben, earlier', ago(3))
await ben.edit(6, 'By Ben, at the same time', ago(1))
await ben.add('gen-49-2', 'The same verse, by Ben')
await ben.remove(7)
await ben.sync()
await ana.edit(4, 'By Ana, earlier', ago(2))
await ana.edit(5, 'By Ana, later', ago(2))
await ana.edit(6, 'By Ana, at the same time', ago(1))
await ana.add('gen-49-2', 'The same verse, by Ana')
await ana.edit(7, 'By Ana, before it was deleted', ago(2))
await ana.online()
await ana.sync()

await ben.sync()
await ben.edit(8, 'Seen at once')
await ben.sync()
await ana.sync()
await until(async () => Object.values(await ana.texts()).includes('Seen at once'))
const [anas, bens] = [await ana.texts(), await ben.texts()]
await ana.add('', 'Of no verse\u0000')
await ana.sync()
const told = JSON.stringify({
  pulled,
  ana: anas,
  ben: bens,
  rejected: ana.rejected,
  kept: Object.values(await ana.texts()).includes('Of no verse\u0000'),
})
process.stdout.write(told, () => process.exit(0))
