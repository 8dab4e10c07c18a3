import { expect, test } from 'vitest'
import { allFaults, simulateSeed } from './run.ts'
import { libraryVersion } from './version.ts'

const seeds = Number(process.env.SIM_SEEDS ?? 60)
const steps = 1000

test('one seed, one history, bit for bit', async () => {
  for (const seed of [1, 2, 3]) {
    const first = await simulateSeed({ seed, steps })
    const second = await simulateSeed({ seed, steps })
    expect(second.digest).toBe(first.digest)
    expect(second.simulatedMs).toBe(first.simulatedMs)
    expect(second.faults).toEqual(first.faults)
  }
  expect((await simulateSeed({ seed: 1, steps })).digest).not.toBe(
    (await simulateSeed({ seed: 2, steps })).digest,
  )
})

test(`${seeds} seeds of ${steps} operations without an anomaly, every fault seen`, async () => {
  const faults = Object.fromEntries(allFaults.map((fault) => [fault, 0]))
  let operations = 0
  let simulatedMs = 0
  const started = performance.now()
  const first = Number(process.env.SIM_FIRST ?? 1000)
  for (let seed = first; seed < first + seeds; seed++) {
    const run = await simulateSeed({ seed, steps })
    expect(run.findings, `npm run sim -- --seed ${seed}@${libraryVersion()} --steps ${steps}`).toEqual([])
    operations += run.operations
    simulatedMs += run.simulatedMs
    for (const fault of allFaults) faults[fault]! += run.faults[fault]
  }
  const seconds = (performance.now() - started) / 1000
  console.log(
    `${operations} operations, ${(operations / seconds).toFixed(0)}/s, ${(simulatedMs / 1000 / seconds).toFixed(0)} simulated seconds a second`,
  )
  console.log(faults)
  for (const fault of allFaults) expect(faults[fault], fault).toBeGreaterThan(0)
  expect(simulatedMs / 1000 / seconds).toBeGreaterThan(100)
})
