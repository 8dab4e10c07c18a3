/**
 * The history format: what a run did, as JSON lines that any program can write and that these checkers read.
 *
 * The first line is a header, every other line an event. The vocabulary (invoke, ok, fail, info) is Jepsen's:
 * K. Kingsbury, https://github.com/jepsen-io/jepsen, and Herlihy & Wing, "Linearizability: A Correctness
 * Condition for Concurrent Objects", TOPLAS 1990, for histories of invocations and responses.
 */
import { readFile, writeFile } from 'node:fs/promises'

export const HISTORY_FORMAT = 'lockrow-history'
export const HISTORY_VERSION = 1

/** The first line of a history. Anything else that explains the run (options, backend, commit) may be added. */
export interface HistoryHeader {
  format: typeof HISTORY_FORMAT
  version: typeof HISTORY_VERSION
  /** Version of the library that was under test. */
  library: string
  /** Seed that reproduces the run. */
  seed: number | string
  /** Says that the last line is `{ end: true, events: n }`, so that a file cut at a line's end is noticed too. */
  footer?: boolean
  [more: string]: unknown
}

/** `invoke` starts an operation; `ok` it took effect, `fail` it surely did not, `info` nobody knows. */
export type EventType = 'invoke' | 'ok' | 'fail' | 'info'

export interface HistoryEvent {
  /** One per operation: its invocation and its completion carry the same. */
  id: string | number
  /** The logical process that did it. */
  client: string | number
  type: EventType
  op: string
  key?: string
  /** Of an invocation: the arguments. Of a completion: the result. */
  value?: unknown
  /** A time. Milliseconds where deadlines are compared (queue, mutex). */
  at: number
}

export interface History {
  header: HistoryHeader
  events: HistoryEvent[]
}

/** A history that cannot be read, with the line (from 1) where reading stopped. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
  constructor(
    message: string,
    readonly line: number,
  ) {
    super(`line ${line}: ${message}`)
  }
}

const EVENT_TYPES = new Set<unknown>(['invoke', 'ok', 'fail', 'info'])

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const shown = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}...` : text)

function parseLine(text: string, line: number, isLast: boolean): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    // A last line without its newline is what a killed writer leaves behind
    const problem = isLast ? 'the file is cut off in the middle of this line' : 'this line is not JSON'
    throw Object.assign(new HistoryError(`${problem}: ${shown(text)}`, line), { cause })
  }
  if (!isRecord(value)) throw new HistoryError(`expected an object, got ${shown(text)}`, line)
  return value
}

function checkHeader(value: Record<string, unknown>): HistoryHeader {
  if (value.format !== HISTORY_FORMAT) {
    const what =
      value.format === undefined ? 'no header' : `a header of format ${JSON.stringify(value.format)}`
    throw new HistoryError(`this is not a ${HISTORY_FORMAT} file: it starts with ${what}`, 1)
  }
  if (value.version !== HISTORY_VERSION) {
    const version = JSON.stringify(value.version)
    throw new HistoryError(
      `this history is of format version ${version}, and these checkers read version ${HISTORY_VERSION} only`,
      1,
    )
  }
  if (typeof value.library !== 'string') throw new HistoryError('the header lacks "library" (a string)', 1)
  if (typeof value.seed !== 'number' && typeof value.seed !== 'string') {
    throw new HistoryError('the header lacks "seed" (a number or a string)', 1)
  }
  return value as HistoryHeader
}

function checkEvent(value: Record<string, unknown>, line: number): HistoryEvent {
  const wrong = (field: string, wanted: string): never => {
    const got = value[field] === undefined ? 'nothing' : JSON.stringify(value[field])
    throw new HistoryError(`"${field}" must be ${wanted}, got ${got}`, line)
  }
  const isName = (it: unknown): boolean => typeof it === 'string' || typeof it === 'number'
  if (!isName(value.id)) wrong('id', 'a string or a number')
  if (!isName(value.client)) wrong('client', 'a string or a number')
  if (!EVENT_TYPES.has(value.type)) wrong('type', 'invoke, ok, fail or info')
  if (typeof value.op !== 'string') wrong('op', 'a string')
  if (value.key !== undefined && typeof value.key !== 'string') wrong('key', 'a string')
  if (typeof value.at !== 'number' || !Number.isFinite(value.at)) wrong('at', 'a number')
  return value as unknown as HistoryEvent
}

/**
 * Reads a history from its text.
 *
 * @throws {HistoryError} when the text is cut off, malformed or of another format version
 */
export function parseHistory(text: string): History {
  const lines = text.split('\n')
  const endsWithNewline = lines.at(-1) === ''
  if (endsWithNewline) lines.pop()
  if (lines.length === 0) throw new HistoryError('the file is empty', 1)
  const isLast = (index: number): boolean => index === lines.length - 1 && !endsWithNewline
  const header = checkHeader(parseLine(lines[0]!, 1, isLast(0)))
  const events: HistoryEvent[] = []
  let ended = false
  for (let i = 1; i < lines.length; i++) {
    const value = parseLine(lines[i]!, i + 1, isLast(i))
    if (ended) throw new HistoryError('there is more after the line that ends the history', i + 1)
    if (value.end === true) {
      if (value.events !== events.length) {
        throw new HistoryError(
          `lines are missing: ${value.events} were written, ${events.length} found`,
          i + 1,
        )
      }
      ended = true
    } else {
      events.push(checkEvent(value, i + 1))
    }
  }
  if (header.footer === true && !ended) {
    throw new HistoryError('the file is cut off here: the line that ends it is missing', lines.length)
  }
  return { header, events }
}

/** The text of a history, with the closing line that lets a reader notice that a file was cut off. */
export function formatHistory({ header, events }: History): string {
  const lines = [{ ...header, footer: true }, ...events, { end: true, events: events.length }]
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** Reads a history file. */
export async function readHistory(path: string): Promise<History> {
  return parseHistory(await readFile(path, 'utf8'))
}

/** Writes a history file. */
export async function writeHistory(path: string, history: History): Promise<void> {
  await writeFile(path, formatHistory(history))
}
