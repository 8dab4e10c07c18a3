import { InvalidInput } from '../../errors.ts'
import { isVacantGuard } from '../../model/expiry.ts'
import { checkKey } from '../../model/keys.ts'
import { acknowledgeOperation, checkRoom, newMessage } from '../../model/message-row.ts'
import { announcePush } from '../../model/wake.ts'
import type { Committed, OperationSteps, Prepared } from '../transact/operation-steps.ts'
import { fixedStep, putStep } from '../transact/row-step.ts'
import { dueOf, setApart } from './apart.ts'
import { arrived, departed } from './in-flight.ts'
import { dropPayloads } from './payload.ts'
import { pointedAt } from './pointers.ts'
import { scheduled } from './scheduled.ts'

/** Pushes and acknowledgements as operations of a transaction. */

export const queueOperations: OperationSteps = {
  queuePush({ item }, { context, index, field, result }) {
    if (item?.deduplicationId !== undefined)
      throw new InvalidInput(`${field}.item.deduplicationId`, 'is for queuePush: here, use idempotencyKey')
    if (item?.uniqueId !== undefined)
      throw new InvalidInput(`${field}.item.uniqueId`, 'is for queuePush outside of a transaction')
    const message = newMessage(context, item, `${field}.item`)
    setApart(context, message, item)
    checkRoom(message.row, `${field}.item`)
    result.pushed.push(message.item)
    const step = putStep(index, message.row, 'exists', isVacantGuard)
    // Without an sk of the caller's nobody else can have made this key.
    return item.sk === undefined ? { ...step, isProof: () => true } : step
  },
  queueAcknowledge({ item }, { index, field }) {
    checkKey(item, `${field}.item`)
    const acknowledge = acknowledgeOperation(item)
    // A receipt never comes back.
    return { ...fixedStep(index, item, 'receipt', () => acknowledge), failsForGood: () => true }
  },
}

/** Pointers are written before the transaction, which may arrive late as a whole. */
export const queuesPrepared: Prepared = (context, { pushed }) =>
  pointedAt(
    context,
    pushed.map(({ pk, sk, family: f, queue: q }) => ({ pk, sk, f, q })),
  )

/** Consumers look at what is new, and forget what is gone. */
export const queuesCommitted: Committed = async (context, operations, { pushed }) => {
  for (const item of pushed) {
    const due = dueOf(item)
    arrived(context, { pk: item.pk, sk: item.sk, due, f: item.family })
    if (due > 0) scheduled(context, item, due)
    announcePush(context.runtime, item.pk, item.family)
  }
  const acknowledged = operations.flatMap((operation) =>
    operation.type === 'queueAcknowledge' ? [operation.item] : [],
  )
  for (const item of acknowledged) departed(context, item)
  await dropPayloads(
    context,
    acknowledged.map(({ payloadKey }) => payloadKey),
  )
}
