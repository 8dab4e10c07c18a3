import { pointerPrefix, workControlKey, workName } from '../../model/key-names.ts'
import { rowBytes } from '../../model/sizes.ts'
import type { Row } from '../../storage.ts'
import type { Context } from '../context.ts'
import { readRange } from '../requests.ts'
import { retried } from '../retry.ts'
import { Control, controlOf } from './control.ts'
import { momentsOf, type Place, type Places } from './places.ts'

/** A busy consumer reads the pointers so often, ms; an idle one at each look. */
const busyMs = 1000
/** What readings of many pointers may cost, RRU a second. */
const rate = 10

/** A queue with shards, or a family. */
export interface Work {
  /** The name of the queue, or of the family. */
  readonly name: string
  readonly places: Places
  readonly control: Control
}

/** Whether the pointers should be read, and how. */
export function readingDue(
  { places }: Work,
  isIdleLook: boolean,
  isBusy: boolean,
  monotonic: number,
): 'strong' | 'eventual' | undefined {
  const isStrong = !isIdleLook && !isBusy
  const last = isStrong ? places.strongAt : places.readAt
  const units = places.readBytes / (isStrong ? 4096 : 8192)
  // A list of one page is read whenever it is asked for; one of many pages within its budget.
  const spacing = Math.max(isBusy ? busyMs : 0, units <= 2 ? 0 : (units / rate) * 1000)
  if (monotonic - last < spacing) return undefined
  return isStrong ? 'strong' : 'eventual'
}

/** The places that have pointers, for whoever only looks. `isCut`: there are more than so many. */
export async function listPointers(
  context: Context,
  name: string,
  consistent: boolean,
  limit = Number.POSITIVE_INFINITY,
): Promise<{ places: string[]; isCut: boolean; pausedUntil: number | undefined }> {
  const { key } = controlOf(context, workControlKey(name))
  const rows: Row[] = []
  let after: string | undefined
  do {
    // The control row is the first one.
    const left = limit - rows.length + 1
    const page = await readRange(
      context,
      { pk: key.pk, after, ...(left < Number.POSITIVE_INFINITY && { limit: left }) },
      consistent,
    )
    rows.push(...page.rows)
    after = page.next
  } while (after !== undefined && rows.length <= limit)
  const pointers = rows.filter(({ sk }) => sk.startsWith(pointerPrefix))
  const control = rows.find(({ sk }) => sk === key.sk)
  return {
    places: pointers.map(({ sk }) => sk.slice(pointerPrefix.length)),
    isCut: after !== undefined,
    pausedUntil: pausedUntil(context, control),
  }
}

/** Until when a queue is paused by its control row; `undefined`: it is not. */
export function pausedUntil({ runtime }: Context, row: Row | undefined): number | undefined {
  const control = new Control({ pk: '', sk: '' })
  control.note(row, 0)
  return control.pausedUntil(runtime.now())
}

/** Reads all pointers of a queue or family, and its control row: 0.5 RRU per 4 KB, or 1 RRU. */
export async function readPointers(context: Context, work: Work, isStrong: boolean): Promise<void> {
  const { runtime } = context
  const { places, name, control } = work
  const begun = runtime.monotonic()
  const rows: Row[] = []
  let after: string | undefined
  do {
    const page = await readRange(context, { pk: workName(name), after }, isStrong)
    rows.push(...page.rows)
    after = page.next
  } while (after !== undefined)
  control.note(
    rows.find(({ sk }) => sk === control.key.sk),
    runtime.monotonic(),
  )
  places.noteAll(rows, begun, momentsOf(context))
  places.readBytes = rows.reduce((sum, row) => sum + rowBytes(row), 0)
  if (isStrong) places.strongAt = begun
}

/**
 * Deletes the pointer of a place that a strong look found empty. The look began after the pointer's end, when whatever
 * relied on it had arrived; a pointer that was raised since is another one. 1 WRU.
 */
export async function collect(context: Context, work: Work, place: Place, until: number): Promise<void> {
  const key = work.places.pointerOf(place)
  const guard = { op: 'eq', left: { path: ['until'] }, right: { value: until } } as const
  const { applied, row } = await retried(context, 'idempotent', [key], () =>
    context.storage.apply({ op: 'delete', key, guard }, context.call.request()),
  )
  if (applied || row === undefined) work.places.forget(place)
}
