import { AtomicPostgresDb } from 'lockrow/postgres'
import pg from 'pg'
import { writeUntilKilled } from '../stores/crash-writers.ts'

/** A process of `killClients` on a server. */
const [log, name, connectionString] = process.argv.slice(2) as [string, string, string]
const db = new AtomicPostgresDb(new pg.Pool({ connectionString, max: 4 }))
await writeUntilKilled(db, log, name)
