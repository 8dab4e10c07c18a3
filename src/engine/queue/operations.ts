import { checkKey, keyText } from '../../model/keys.ts'
import { acknowledgeOperation } from '../../model/message-row.ts'
import { announcePush } from '../../model/wake.ts'
import type { Committed, OperationSteps, Prepared } from '../transact/operation-steps.ts'
import { fixedStep } from '../transact/row-step.ts'
import { dueOf } from './apart.ts'
import { draftOf } from './draft.ts'
import { arrived, departed } from './in-flight.ts'
import { dropPayloads } from './payload.ts'
import { pointedAt } from './pointers.ts'
import { lookAtUnique, pushSteps, workOf } from './push-steps.ts'
import { scheduled } from './scheduled.ts'

/** Pushes and acknowledgements as operations of a transaction. */

export const queueOperations: OperationSteps = {
  queuePush({ item, type: _, ...options }, { context, index, field, result }) {
    const draft = draftOf(context, item, index, `${field}.item`, options, `${field}.`)
    result.pushed.push(draft.item)
    return pushSteps(context, workOf(result), draft, item.sk === undefined)
  },
  queueAcknowledge({ item }, { index, field, result }) {
    checkKey(item, `${field}.item`)
    const acknowledge = acknowledgeOperation(item)
    workOf(result).acknowledged.add(keyText(acknowledge.key))
    // A receipt never comes back.
    return { ...fixedStep(index, item, 'receipt', () => acknowledge), failsForGood: () => true }
  },
}

/** Pointers are written before the transaction, which may arrive late as a whole. */
export const queuesPrepared: Prepared = async (context, result) => {
  await lookAtUnique(context, workOf(result))
  return pointedAt(
    context,
    workOf(result)
      .drafts.filter(({ isDuplicate }) => !isDuplicate)
      .map(({ row }) => row),
  )
}

/** Consumers look at what is new, and forget what is gone. */
export const queuesCommitted: Committed = async (context, operations, { pushed }) => {
  for (const item of pushed) {
    if (item.isDuplicate) continue
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
