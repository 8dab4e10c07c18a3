import { profiles } from './profiles.ts'
import type { Section } from './section.ts'

/** One line that is written over; nothing where nobody watches. */
export function progress(text: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`)
  else if (process.env.BENCH_VERBOSE) process.stderr.write(`${text}\n`)
}

export const show = (cell: string | number | undefined): string =>
  cell === undefined ? '' : typeof cell === 'string' ? cell : number(cell)

/** Three digits that mean something. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (Number.isInteger(value)) return value.toLocaleString('en-US')
  const size = Math.abs(value)
  return value.toLocaleString('en-US', {
    maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4,
  })
}

export function printSection(section: Section): void {
  console.log(`\n${section.title}\n${'='.repeat(section.title.length)}`)
  for (const table of section.tables) {
    console.log(`\n${table.title}`)
    const cells = [table.columns, ...table.rows.map((row) => row.map(show))]
    const widths = table.columns.map((_, c) => Math.max(...cells.map((row) => (row[c] ?? '').length)))
    const isNumber = table.columns.map((_, c) => table.rows.every((row) => typeof row[c] !== 'string'))
    const line = (row: string[]) =>
      row.map((cell, c) => (isNumber[c] ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!))).join('  ')
    cells.forEach((row, r) => {
      console.log(`  ${line(row)}`.trimEnd())
      if (r === 0) console.log(`  ${widths.map((width) => '-'.repeat(width)).join('  ')}`)
    })
  }
  for (const target of section.targets ?? [])
    console.log(
      `${target.met ? 'reached ' : 'MISSED  '} ${target.what}: ${target.value} (target ${target.target})`,
    )
  for (const note of [...section.notes, ...(profiles[section.id] ?? [])]) console.log(`- ${note}`)
}
