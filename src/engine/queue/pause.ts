import type { AtomicDbQueuePauseOptions } from '../../interface.ts'
import { futureMoment, maxMoment } from '../../model/checks.ts'
import { controlKey, workControlKey } from '../../model/key-names.ts'
import { checkPk } from '../../model/keys.ts'
import { announcePush } from '../../model/wake.ts'
import type { Guard, RowChange } from '../../storage.ts'
import type { Context } from '../context.ts'
import { applyOrRead } from '../lost-replies.ts'
import { readRows } from '../requests.ts'
import { beforeRepeat, type Doubt } from '../retry.ts'
import { type Control, controlOf } from './control.ts'

export async function pause(
  context: Context,
  pk: string,
  options: AtomicDbQueuePauseOptions = {},
): Promise<void> {
  checkPk(pk)
  const until =
    options.until === undefined ? maxMoment : futureMoment(options.until, 'until', context.runtime.now())
  await command(context, pk, [{ op: 'set', path: ['paused'], value: until }])
}

export async function resume(context: Context, pk: string): Promise<void> {
  checkPk(pk)
  await command(context, pk, [{ op: 'remove', path: ['paused'] }])
  announcePush(context.runtime, pk)
}

/** A queue may be used with shards and without: both control rows say the same. */
async function command(context: Context, pk: string, changes: readonly RowChange[]): Promise<void> {
  for (const key of [controlKey(pk), workControlKey(pk)])
    await change(context, controlOf(context, key), changes)
}

/**
 * Changes a control row as it is now. Every command leaves an id of its own, and is guarded by that of the command
 * before: a request that arrives late, after the next command, changes nothing.
 */
async function change(context: Context, control: Control, changes: readonly RowChange[]): Promise<void> {
  const { key } = control
  const id = context.id()
  const all: RowChange[] = [
    ...changes,
    { op: 'set', path: ['by'], value: id },
    // It hides the row from queries for items.
    { op: 'setIfAbsent', path: ['version'], value: id },
  ]
  const doubt: Doubt = { unanswered: false }
  for (;;) {
    const [before] = await readRows(context, [key])
    if (before?.by === id) return control.note(before, context.runtime.monotonic())
    const by: Guard =
      before?.by === undefined
        ? { op: 'absent', path: ['by'] }
        : { op: 'eq', left: { path: ['by'] }, right: { value: before.by } }
    const operation = { op: 'update' as const, key, changes: all, guard: by }
    const result = await applyOrRead(context, key, operation, doubt)
    if (result.applied || result.row?.by === id) return control.note(result.row, context.runtime.monotonic())
    if (result.doubt) {
      doubt.unanswered = true
      await beforeRepeat(context, [key], result.doubt, doubt)
    }
  }
}
