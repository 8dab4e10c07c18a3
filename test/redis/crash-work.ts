import type { AtomicDbInterface } from 'lockrow'

interface Told {
  /** After the reply. */
  confirmed(line: string): void
  failed(error: unknown): void
}

/** Sums over two rows that must stay equal, single rows, and messages, until it is over. */
export async function writeAll(
  db: AtomicDbInterface,
  name: string,
  isOver: () => boolean,
  { confirmed, failed }: Told,
): Promise<void> {
  const writer = async (at: number) => {
    for (let i = 0; !isOver(); i++) {
      const sk = `${name}-${at}-${i}`
      try {
        if (i % 3 === 0) await db.set({ pk: 'single', sk, data: i })
        else if (i % 3 === 1) await db.queuePush({ pk: 'queue', data: sk })
        else
          await db.transact([
            { type: 'update', key: { pk: 'sum', sk: 'plus' }, changes: { add: { n: 1 } } },
            { type: 'update', key: { pk: 'sum', sk: 'minus' }, changes: { add: { n: -1 } } },
            { type: 'set', item: { pk: 'done', sk, data: i } },
          ])
        confirmed(`${['single', 'queue', 'done'][i % 3]} ${sk}`)
      } catch (error) {
        failed(error)
      }
    }
  }
  await Promise.all([0, 1, 2, 3].map(writer))
}

/** What is wrong with the database, given all that was confirmed. */
export async function auditAll(db: AtomicDbInterface, confirmed: readonly string[]): Promise<string[]> {
  const wrong: string[] = []
  const there = new Set<string>()
  for (const pk of ['single', 'done']) for await (const { sk } of db.stream({ pk })) there.add(`${pk} ${sk}`)
  const transactions = [...there].filter((line) => line.startsWith('done ')).length
  const [plus, minus] = await db.getMany<{ n: number }>([
    { pk: 'sum', sk: 'plus' },
    { pk: 'sum', sk: 'minus' },
  ])
  if ((plus?.data.n ?? 0) !== transactions || -(minus?.data.n ?? 0) !== transactions)
    wrong.push(`sums: ${plus?.data.n}, ${minus?.data.n} after ${transactions} transactions`)
  for (const { data } of await db.queuePeek<string>({ pk: 'queue', limit: 100_000 })) {
    if (there.has(`queue ${data}`)) wrong.push(`twice: ${data}`)
    there.add(`queue ${data}`)
  }
  for (const line of confirmed) if (!there.has(line)) wrong.push(`lost: ${line}`)
  return wrong
}
