// Asks through a proxy that answers 503 and 429 first; prints what Retry-After said, as JSON.
// Arguments: the server's URL, the id of a text version.
import { createServer } from 'node:http'

import { hotspot } from './page/hotspot.js'

const [url, textVersionId] = process.argv.slice(2)
const asked = []
const busy = [503, 429]
const proxy = createServer(async (request, response) => {
  const status = busy.shift()
  asked.push(status ? '0' : null)
  if (status) return response.writeHead(status, { 'Retry-After': '0' }).end('{"message": "Later."}')
  const body = Buffer.concat(await request.toArray())
  const answer = await fetch(url + request.url, { method: 'POST', body })
  return response.end(await answer.text())
})
await new Promise((done) => proxy.listen(0, '127.0.0.1', done))
const server = hotspot(`http://127.0.0.1:${proxy.address().port}`)
const { changes } = await server.changes({ textVersionId }, ['verse_texts'])
process.stdout.write(JSON.stringify({ asked, count: changes.length }), () => process.exit(0))
