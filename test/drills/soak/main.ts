/**
 * `npm run soak -- [--messages 250000]`: what a worker keeps of its messages, and what becomes of messages while their
 * downstream is away, with default settings. Fails when it keeps 10 bytes or more of each, or one is buried or lost.
 */
import { parseArgs } from 'node:util'
import { memoryOf, outageOf } from './run.ts'

const { values } = parseArgs({ options: { messages: { type: 'string', default: '250000' } } })
const messages = Number(values.messages)
if (!Number.isSafeInteger(messages) || messages < 20_000) {
  console.error(`--messages must be a whole number from 20000, got ${values.messages}`)
  process.exit(2)
}
let failed = false
const growth = await memoryOf(messages)
const megabytes = growth.samples.map(({ bytes }) => (bytes / 2 ** 20).toFixed(1))
console.log(
  `${messages} messages: ${growth.bytesPerMessage.toFixed(1)} bytes kept of each; MB: ${megabytes.join(' ')}`,
)
failed ||= growth.bytesPerMessage >= 10
for (const seconds of [10, 60, 600]) {
  const outage = await outageOf(seconds, 200, 5)
  console.log(
    `outage of ${seconds} s, ${outage.kills} kills: ${outage.handled} of 200 handled, ${outage.buried} buried, ${outage.left} left`,
  )
  failed ||= outage.handled !== 200 || outage.buried > 0
}
process.exit(failed ? 1 : 0)
