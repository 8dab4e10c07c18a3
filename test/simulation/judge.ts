import type { HistoryEvent } from '../checkers/history.ts'
import { checkLinearizability } from '../checkers/linearizability.ts'
import { counterModel, itemModel } from '../checkers/models.ts'
import { type Operation, pairOperations } from '../checkers/operations.ts'
import { rowsModel } from '../checkers/rows-model.ts'
import { checkSerializability } from '../checkers/serializability.ts'

/** Something that must not have happened. */
export interface Finding {
  kind: string
  message: string
  /** Where and when, as in the history, where that is known. */
  key?: string
  at?: number
}

interface Verdict {
  verdict: 'valid' | 'invalid' | 'undecided'
  anomalies: readonly { kind: string; message: string; key?: string; stuck?: Operation }[]
}

const checks: {
  name: string
  mine: (operation: Operation) => boolean
  check: (all: Operation[]) => Verdict
}[] = [
  {
    name: 'items',
    mine: ({ key }) => key.startsWith('item/'),
    check: (all) => checkLinearizability(all, itemModel()),
  },
  {
    name: 'counters',
    mine: ({ key }) => key === 'counter/free' || key === 'counter/locked',
    check: (all) => checkLinearizability(all, counterModel()),
  },
  {
    name: 'stock',
    mine: ({ key }) => key === 'counter/stock',
    check: (all) => checkLinearizability(all, counterModel({ min: 0 })),
  },
  { name: 'rows', mine: ({ op }) => op === 'rows', check: (all) => checkLinearizability(all, rowsModel()) },
  { name: 'lists', mine: ({ op }) => op === 'txn', check: checkSerializability },
]

/** Gives every checker its part of the history. */
export function judge(events: readonly HistoryEvent[]): { findings: Finding[]; histories: number } {
  const operations = pairOperations(events)
  const findings: Finding[] = []
  let histories = 0
  for (const { name, mine, check } of checks) {
    const own = operations.filter(mine)
    if (own.length === 0) continue
    histories++
    const { verdict, anomalies } = check(own)
    for (const { kind, message, key, stuck } of anomalies)
      findings.push({ kind: `${name}: ${kind}`, message, key, at: stuck?.startAt })
    if (verdict === 'undecided')
      findings.push({ kind: `${name}: undecided`, message: 'the check was given up' })
  }
  return { findings, histories }
}
