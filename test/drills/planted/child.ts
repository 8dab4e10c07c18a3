/** Bundled with a planted defect: runs one drill, seed by seed, until something of the expected kind is found. */
import { drills } from '../index.ts'
import { drill } from '../world.ts'

/** What it is told, as JSON in its argument. */
export interface Hunt {
  drill: string
  first: number
  seeds: number
  /** Source of a regular expression: kinds of anomalies. Undefined: any. */
  found?: string
}

/** What it tells after each seed. */
export interface Report {
  seed: number
  /** Kinds of anomalies. */
  kinds: string[]
  found: boolean
}

const { drill: name, first, seeds, found } = JSON.parse(process.argv[2]!) as Hunt
const drilled = drills.find((one) => one.name === name)
if (!drilled) throw new Error(`there is no drill '${name}': ${drills.map((one) => one.name).join('; ')}`)
const expected = new RegExp(found ?? '')

let stray: string[] = []
process.on('unhandledRejection', (error) => stray.push(`unhandled rejection: ${error}`))
for (let seed = first; seed < first + seeds; seed++) {
  stray = []
  const { findings } = await drill(seed, drilled)
  await new Promise(setImmediate)
  const kinds = [...new Set([...findings.map(({ kind }) => kind), ...stray])]
  const report: Report = { seed, kinds, found: kinds.some((kind) => expected.test(kind)) }
  process.send!(report)
  if (report.found) break
}
process.disconnect()
