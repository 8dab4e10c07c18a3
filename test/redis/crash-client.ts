import { appendFileSync } from 'node:fs'
import { AtomicRedisDb } from 'lockrow/redis'
import { createClient } from 'redis'
import { writeAll } from './crash-work.ts'

/** A process that writes until it is killed. What was confirmed goes to a log of its own, after the reply. */
const [url, log, name] = process.argv.slice(2) as [string, string, string]
const client = createClient({ url })
client.on('error', () => {})
await client.connect()
const db = new AtomicRedisDb(client)
process.stdout.write('ready\n')
await writeAll(db, name, () => false, {
  confirmed: (line) => appendFileSync(log, `${line}\n`),
  failed: (error) => {
    throw error
  },
})
