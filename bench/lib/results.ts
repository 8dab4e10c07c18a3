import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { report } from './report.ts'
import type { Results, Section } from './section.ts'

const file = new URL('../results.json', import.meta.url)
const html = new URL('../report.html', import.meta.url)
/** The order of the report. */
const order = [
  'client',
  'local',
  'units',
  'atomic',
  'twin',
  'lru',
  'queue',
  'queue-peers',
  'scale',
  'cold',
  'size',
]

/** Replaces these sections in results.json and writes the report from all of it. */
export function save(sections: readonly Section[]): void {
  let old: Results = { machine: {}, sections: [] }
  try {
    old = JSON.parse(readFileSync(file, 'utf8')) as Results
  } catch {
    // The first run.
  }
  const when = new Date().toISOString()
  const kept = old.sections.filter(({ id }) => !sections.some((section) => section.id === id))
  const rank = ({ id }: Section) => (order.indexOf(id) + order.length + 1) % (order.length + 1)
  const results: Results = {
    machine: machine(),
    sections: [...kept, ...sections.map((section) => ({ ...section, when }))].sort(
      (a, b) => rank(a) - rank(b),
    ),
  }
  writeFileSync(file, `${JSON.stringify(results, rounded, 1)}\n`)
  writeFileSync(html, report(results))
}

const machine = (): Record<string, string> => ({
  cpu: cpus()[0]?.model.trim() || process.arch,
  cores: String(cpus().length),
  node: process.version,
  system: `${process.platform} ${process.arch}`,
})

const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value
