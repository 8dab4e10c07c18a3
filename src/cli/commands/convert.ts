import { setMaxListeners } from 'node:events'
import type { Command } from 'commander'
import type { TextRows } from '../../dynamo/text-rows.ts'
import type { AtomicDbItemKey } from '../../interface.ts'
import type { Row } from '../../storage.ts'
import { whereOf } from '../connect.ts'
import {
  type ConvertCounts,
  type ConvertState,
  noCounts,
  readState,
  removeState,
  writeState,
} from '../convert-state.ts'
import { Unfinished } from '../failures.ts'
import { count } from '../format.ts'
import { type Work, withProgress } from '../long-work.ts'
import { readReferenceRow } from '../reference-row.ts'
import { type Answer, action, declined, type Host, type Session } from '../session.ts'
import { describeTable } from '../table-facts.ts'

interface ConvertFlags {
  prefix?: string
  dryRun?: boolean
  state?: string
}

const rowsAtOnce = 250
const writesAtOnce = 16
/** Rows that cannot be converted are named up to this number. */
const namedAtMost = 20

interface Job {
  rows: TextRows
  prefix: string | undefined
  dryRun: boolean
  signal: AbortSignal
  /** Keys and reasons of the rows that were refused, in this run. */
  refusals: string[]
}

/** One page of rows, a few at a time; each is looked at again when it changed meanwhile, once the scan comes again. */
async function convertRows(job: Job, rows: readonly Row[], counts: ConvertCounts): Promise<void> {
  const left = [...rows]
  const work = async () => {
    for (let row = left.pop(); row; row = left.pop()) await convertRow(job, row, counts)
  }
  await Promise.all(Array.from({ length: writesAtOnce }, work))
}

async function convertRow(
  { rows, dryRun, signal, refusals }: Job,
  row: Row,
  counts: ConvertCounts,
): Promise<void> {
  const read = readReferenceRow(row)
  if (read.is === 'refused') {
    counts.refused++
    if (refusals.length < namedAtMost) refusals.push(`${JSON.stringify([row.pk, row.sk])}: ${read.why}`)
    return
  }
  if (read.is !== 'item') {
    counts[read.is === 'message' ? 'messages' : read.is]++
    return
  }
  const replaced = dryRun ? 'replaced' : await rows.replace(row, read.data, { signal })
  if (replaced === 'changed') counts.changed++
  else {
    counts.converted++
    if (read.compressed) counts.compressed++
  }
}

interface Scanned {
  counts: ConvertCounts
  stopped: boolean
}

/** The rest of the table; `keep` is told after every page from where it can go on. */
async function convertAll(
  job: Job,
  begun: { after: AtomicDbItemKey | undefined; counts: ConvertCounts },
  expected: number,
  { stop, onProgress }: Work,
  keep: (after: AtomicDbItemKey, counts: ConvertCounts) => Promise<void>,
): Promise<Scanned> {
  const { counts } = begun
  let { after } = begun
  for (;;) {
    onProgress(counts.scanned, Math.max(expected, counts.scanned))
    if (stop.aborted) return { counts, stopped: true }
    try {
      const page = await job.rows.page(
        { after, prefix: job.prefix, limit: rowsAtOnce },
        { signal: job.signal },
      )
      await convertRows(job, page.rows, counts)
      counts.scanned += page.scanned
      if (!page.next) return { counts, stopped: false }
      after = page.next
      await keep(after, counts)
    } catch (error) {
      const reached = `converted ${count(counts.converted, 'row')} and failed; the same command goes on`
      throw new Unfinished(reached, { cause: error })
    }
  }
}

async function convert(session: Session, flags: ConvertFlags): Promise<Answer> {
  const { table, settings, io } = session
  const { prefix, dryRun = false, state: file = `lockrow-convert-${table}.json` } = flags
  if (!dryRun) session.requireConsent('convert changes rows in place')
  const client = await session.client()
  const facts = await describeTable(client, table, await session.reading())
  const work = { table, where: whereOf(settings), prefix }
  const before = dryRun ? undefined : await readState(file, work)
  const question = `convert the rows of '${table}' (about ${facts.items.toLocaleString('en-US')}) in place?`
  if (!dryRun && !before && !(await session.confirm(question))) return declined()
  const { TextRows } = await import('../../dynamo/text-rows.ts')
  const signal = await session.writing()
  // One listener for each write under way.
  setMaxListeners(0, signal)
  const job: Job = { rows: new TextRows(client, table), prefix, dryRun, signal, refusals: [] }
  const begun = { after: before?.after, counts: before?.counts ?? noCounts() }
  const keep = async (after: AtomicDbItemKey, counts: ConvertCounts) => {
    if (!dryRun) await writeState(file, { ...work, after, counts } satisfies ConvertState)
  }
  const done = await withProgress(io, 'convert', (progress) =>
    convertAll(job, begun, facts.items, progress, keep),
  )
  if (!done.stopped && !dryRun) await removeState(file)
  return answerOf({ table, prefix, dryRun, ...done }, job.refusals, file)
}

interface Outcome extends Scanned {
  table: string
  prefix: string | undefined
  dryRun: boolean
}

function answerOf({ counts, stopped, dryRun, ...work }: Outcome, refusals: string[], file: string): Answer {
  const { converted, compressed, changed, messages, foreign, other, refused } = counts
  const left = [
    [messages, 'messages of the old queue: drain it with the old package'],
    [foreign, 'rows of other programs'],
    [other, 'with data that is no JSON'],
    [changed, 'written meanwhile: convert again'],
    [refused, 'that lockrow cannot store'],
  ] as const
  const did = dryRun ? 'would convert' : 'converted'
  const lines = [
    `${did} ${count(converted, 'row')} of '${work.table}' (${compressed} compressed), of ${counts.scanned} looked at`,
    ...left.filter(([n]) => n > 0).map(([n, what]) => `left ${n} ${what}`),
  ]
  const notes = [...refusals.map((one) => `cannot store ${one}`)]
  if (refused > refusals.length) notes.push(`and ${refused - refusals.length} more`)
  if (stopped) notes.push(`stopped: ${lines[0]}${dryRun ? '' : `; the same command goes on (${file})`}`)
  const code = refused > 0 || changed > 0 ? 1 : 0
  return {
    records: [{ ...work, dryRun, ...counts, stopped }],
    lines: stopped ? [] : lines,
    note: notes,
    code: stopped ? 130 : code,
  }
}

export function addConvert(program: Command, host: Host): void {
  program
    .command('convert')
    .description(
      'rows of the reference implementation (JSON texts, also compressed) become rows of lockrow, in place',
    )
    .option('--prefix <pk>', 'only partition keys that begin with this')
    .option('--dry-run', 'count what there is to do, and change nothing')
    .option('--state <file>', 'where it notes how far it came (default: lockrow-convert-<table>.json)')
    .option('-y, --yes', 'do not ask')
    .action(action(host, convert))
}
