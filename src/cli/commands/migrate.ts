import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import type { MigrationPlan, MigrationResult } from '../../collections/index.ts'
import type { AtomicDbInterface } from '../../interface.ts'
import { Refusal, Unfinished } from '../failures.ts'
import { count, duration } from '../format.ts'
import { withProgress } from '../long-work.ts'
import { type Answer, action, declined, type Host, type Session, whole } from '../session.ts'

interface MigrateFlags {
  collections?: string
  only?: string[]
  dryRun?: boolean
  rate?: number
  wait?: boolean
  refuseEarlier?: boolean
}

type Named = object & { readonly name: string }

/** The collections that a module makes of a database. */
async function collectionsOf(
  db: AtomicDbInterface,
  { collections: file, only }: MigrateFlags,
): Promise<readonly Named[]> {
  if (!file)
    throw new Refusal('which collections? --collections names a module: export default (db) => [users(db)]')
  const module = await import(pathToFileURL(resolve(file)).href).catch((error: Error) => {
    throw new Refusal(`cannot load ${file}: ${error.message}`)
  })
  // Of CommonJS the default export is the module.
  const make = module.default?.default ?? module.default
  if (typeof make !== 'function') throw new Refusal(`${file} must have a default export: (db) => [users(db)]`)
  const made: unknown = await make(db)
  const { worldOf } = await import('../../collections/world.ts')
  const all = Object.values(made as object) as Named[]
  for (const one of all) worldOf(one, `the collections of ${file}`)
  if (!only) return all
  const known = all.map(({ name }) => name)
  const missing = only.find((name) => !known.includes(name))
  if (missing !== undefined)
    throw new Refusal(`no collection '${missing}' in ${file}: it has ${known.join(', ')}`)
  return all.filter(({ name }) => only.includes(name))
}

const money = (usd: number): string => `$${usd < 0.01 ? usd.toFixed(4) : usd.toFixed(2)}`

function linesOf(plan: MigrationPlan): string[] {
  const { collection, version, items, byVersion, toWrite, wru, rru, usd, seconds, earlier, problems } = plan
  const versions = Object.entries(byVersion).map(([of, n]) => `${n} of version ${of}`)
  return [
    `${collection}, to version ${version}: ${count(items, 'item')}${items > 0 ? ` (${versions.join(', ')})` : ''}${plan.isComplete ? ', complete' : ''}`,
    `  would write ${count(toWrite, 'item')}: ${wru} WRU and ${rru} RRU, about ${money(usd)} on demand, ${duration(seconds)}`,
    ...earlier.map(
      (one) => `  programs of version ${one.version} may write until ${one.until.toISOString()}`,
    ),
    ...problems.map(({ key, code, message }) => `  ${JSON.stringify([key.pk, key.sk])} ${code}: ${message}`),
  ]
}

async function planned(session: Session, all: readonly Named[], { rate }: MigrateFlags): Promise<Answer> {
  const { planMigration } = await import('../../collections/index.ts')
  const signal = await session.reading()
  const plans: MigrationPlan[] = []
  for (const one of all)
    plans.push(
      await withProgress(session.io, `look at ${one.name}`, ({ onProgress }) =>
        planMigration(one, {
          signal,
          ...(rate !== undefined && { wruPerSecond: rate }),
          onProgress: (looked) => onProgress(looked, looked),
        }),
      ),
    )
  const code = plans.some(({ problems }) => problems.length > 0) ? 1 : 0
  return { records: plans, lines: plans.flatMap(linesOf), code }
}

function lineOf(result: MigrationResult): string {
  const { collection, version, state, written, removed, wru, waitUntil } = result
  const did = `wrote ${count(written, 'item')}${removed > 0 ? `, removed ${count(removed, 'row')}` : ''} (${wru} WRU)`
  if (state === 'complete') return `${collection} is complete at version ${version}: ${did}`
  if (state === 'blocked')
    return `${collection}: ${did}; some items cannot be upgraded: mend them and migrate again`
  if (state === 'waiting')
    return `${collection}: ${did}; programs of earlier versions may write until ${waitUntil!.toISOString()}: migrate again then, or --wait`
  return `${collection}: ${did}; stopped: the same command goes on`
}

async function migrateAll(session: Session, all: readonly Named[], flags: MigrateFlags): Promise<Answer> {
  const { migrate } = await import('../../collections/index.ts')
  const signal = await session.writing()
  const results: MigrationResult[] = []
  for (const one of all) {
    if (session.io.signal.aborted) break
    const result = await withProgress(session.io, `migrate ${one.name}`, ({ stop, onProgress }) =>
      migrate(one, {
        signal,
        stop,
        wait: flags.wait ?? false,
        refuseEarlier: flags.refuseEarlier ?? false,
        ...(flags.rate !== undefined && { wruPerSecond: flags.rate }),
        onProgress: ({ looked, written }) => onProgress(written, Math.max(looked, written)),
      }),
    ).catch((error: unknown) => {
      throw new Unfinished(`migrated up to '${one.name}' and failed; the same command goes on`, {
        cause: error,
      })
    })
    results.push(result)
  }
  const problems = results.flatMap((result) =>
    result.problems.map(
      ({ key, code, message }) => `${JSON.stringify([key.pk, key.sk])} ${code}: ${message}`,
    ),
  )
  const stopped = results.length < all.length || results.some(({ state }) => state === 'unfinished')
  const isDone = !stopped && results.every(({ state }) => state === 'complete')
  return {
    records: results,
    lines: results.map(lineOf),
    note: problems,
    code: stopped ? 130 : isDone ? 0 : 1,
  }
}

async function run(session: Session, flags: MigrateFlags): Promise<Answer> {
  const { table } = session
  if (!flags.dryRun) session.requireConsent('migrate changes items in place')
  const all = await collectionsOf(await session.db(), flags)
  if (flags.dryRun) return planned(session, all, flags)
  const names = all.map(({ name }) => name).join(', ')
  if (!(await session.confirm(`migrate ${names} in '${table}'?`))) return declined()
  return migrateAll(session, all, flags)
}

export function addMigrate(program: Command, host: Host): void {
  program
    .command('migrate')
    .description(
      'bring the items of collections to their versions, on the live table; Ctrl-C stops it, the same command goes on',
    )
    .requiredOption('--collections <module>', 'a module: export default (db) => [users(db), tasks(db)]')
    .option('--only <names...>', 'only these collections')
    .option('--dry-run', 'say what there is to do and what it costs, and change nothing')
    .option('--rate <wru>', 'units that it writes in a second (default: 200)', whole(1))
    .option('--wait', 'wait for programs of earlier versions to end')
    .option('--refuse-earlier', 'take the right to write from programs of earlier versions')
    .option('-y, --yes', 'do not ask')
    .action(action(host, run))
}
