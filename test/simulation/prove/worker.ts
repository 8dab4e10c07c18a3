/** A child of `npm run prove`: simulates the seeds that it is sent, one at a time. */
import { simulateSeed } from '../run.ts'
import { workloadSets } from '../workloads/index.ts'
import type { SeedResult, SeedTask } from './simulate.ts'

process.on('message', async ({ seed, steps, twice, workloads }: SeedTask) => {
  const options = { seed, steps, workloads: workloadSets[workloads] }
  const run = await simulateSeed(options)
  const again = twice ? await simulateSeed(options) : undefined
  const findings = [...run.findings]
  if (again && again.digest !== run.digest)
    findings.push({ kind: 'not deterministic', message: `digests ${run.digest} and ${again.digest}` })
  const { operations, simulatedMs, events, faults, histories } = run
  const result: SeedResult = { seed, operations, simulatedMs, events, faults, histories, findings }
  process.send!(result)
})
// Without a parent there is nobody to work for.
process.on('disconnect', () => process.exit())
