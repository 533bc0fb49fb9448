// Two phones with WatermelonDB, one server; prints what became of their edits as JSON.
// Arguments: the server's URL, the tokens of two devices, the id of a text version.
import { randomUUID } from 'node:crypto'
import { Database, Q, appSchema } from '@nozbe/watermelondb'
import LokiJSAdapter from '@nozbe/watermelondb/adapters/lokijs/index.js'
import { hasUnsyncedChanges } from '@nozbe/watermelondb/sync/index.js'
import logger from '@nozbe/watermelondb/utils/common/logger/index.js'

import { hotspot } from './page/hotspot.js'
import { VerseText, syncVerses, verseTexts } from './page/watermelon.js'

logger.default.silence()
const [url, first, second, version] = process.argv.slice(2)
const HOUR = 3_600_000
const ago = (hours) => Date.now() - hours * HOUR

function phone(name, token) {
  const adapter = new LokiJSAdapter.default({
    dbName: name,
    schema: appSchema({ version: 1, tables: [verseTexts] }),
    useWebWorker: false,
    useIncrementalIndexedDB: false,
  })
  const database = new Database({ adapter, modelClasses: [VerseText] })
  const server = hotspot(url, token)
  const verses = database.get('verse_texts')
  const live = Q.where('deleted_at', null)
  const rejected = []
  const sync = () => syncVerses(database, server, version, (result) => rejected.push(result.code))
  const verse = async (number) =>
    (await verses.query(Q.where('verse_id', `gen-1-${number + 1}`), live).fetch())[0]
  const change = async (number, change) => {
    const found = await verse(number)
    await database.write(() => found.update(change))
  }
  const edit = (number, text, ms = ago(0)) =>
    change(number, (one) => {
      one.verseText = text
      one._setRaw('updated_at', ms)
    })
  const remove = (number) => change(number, (one) => { one.deletedAt = Date.now() })
  const destroy = async (number) => {
    const found = await verse(number)
    await database.write(() => found.markAsDeleted())
  }
  const add = (verse_id, verse_text) =>
    database.write(() => verses.create((one) => {
      Object.assign(one._raw, { id: randomUUID(), verse_id, text_version_id: version, verse_text })
    }))
  const texts = async () =>
    Object.fromEntries((await verses.query(live).fetch()).map((one) => [one.id, one.verseText]))
  const waits = () => hasUnsyncedChanges({ database })
  return { sync, edit, remove, destroy, add, texts, waits, rejected }
}

const ana = phone('ana', first)
await ana.sync()
const pulled = Object.keys(await ana.texts()).length
await ana.edit(1, 'One')
await ana.sync()
await ana.edit(1, 'One again, before it came back')
await ana.edit(2, 'Two')
await ana.remove(3)
await ana.destroy(9)
await ana.add('gen-49-1', 'A new verse')
await ana.sync()
const ben = phone('ben', second)
await ben.sync()

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
await ana.sync()
await ana.sync()

await ben.sync()
await ben.edit(8, 'Seen at once')
await ben.sync()
await ana.sync()
const [anas, bens] = [await ana.texts(), await ben.texts()]
const waiting = (await ana.waits()) || (await ben.waits())
await ana.add('', 'Of no verse\u0000')
await ana.sync()
const told = JSON.stringify({
  pulled,
  ana: anas,
  ben: bens,
  rejected: ana.rejected,
  kept: !waiting && (await ana.waits()),
})
process.stdout.write(told, () => process.exit(0))
