import { appendFileSync } from 'node:fs'
import type { AtomicDbInterface } from 'lockrow'

/**
 * Of a process that writes until it is killed: sums over two rows that must stay 0, single rows, and messages from one queue to
 * another. What was confirmed goes to a log of its own, line by line, after the reply and before the next call.
 */
export async function writeUntilKilled(db: AtomicDbInterface, log: string, name: string): Promise<void> {
  const confirm = (line: string) => appendFileSync(log, `${line}\n`)

  async function sums(at: number): Promise<void> {
    for (let i = 0; ; i++) {
      await db.transact([
        { type: 'update', key: { pk: 'sum', sk: 'plus' }, changes: { add: { n: 1 } } },
        { type: 'update', key: { pk: 'sum', sk: 'minus' }, changes: { add: { n: -1 } } },
        { type: 'set', item: { pk: `done-${name}`, sk: `${at}-${i}`, data: i } },
      ])
      confirm(`done-${name} ${at}-${i}`)
    }
  }

  async function rows(): Promise<void> {
    for (let i = 0; ; i++) {
      const items = Array.from({ length: 5 }, (_, j) => ({
        pk: `row-${name}`,
        sk: `${i}-${j}`,
        data: 'x'.repeat(200),
      }))
      await db.set(items)
      confirm(items.map(({ pk, sk }) => `${pk} ${sk}`).join('\n'))
    }
  }

  /** A message goes on in the same commit as it is acknowledged: in one queue or in the other, never in both. */
  async function messages(): Promise<void> {
    for (;;) {
      const { item } = await db.queuePull({ pk: 'from', ttlSeconds: 1 })
      if (!item) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        continue
      }
      await db.transact([
        { type: 'queueAcknowledge', item },
        { type: 'queuePush', item: { pk: 'to', data: item.data } },
      ])
      confirm(`moved ${item.data}`)
    }
  }

  process.stdout.write('ready\n')
  await Promise.all([sums(0), sums(1), rows(), messages()])
}
