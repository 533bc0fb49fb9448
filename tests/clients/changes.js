// Prints how much changed in a version, and the token behind it, as JSON.
// Arguments: the server's URL, the id of a text version, a token (or none).
import { hotspot } from './page/hotspot.js'

const [url, textVersionId, token] = process.argv.slice(2)
const { changes, nextToken } = await hotspot(url).changes({ textVersionId }, ['verse_texts'], token)
console.log(JSON.stringify({ count: changes.length, nextToken }))
