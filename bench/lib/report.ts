import { profiles } from './profiles.ts'
import type { Chart, Results, Section, Table } from './section.ts'
import { number, show } from './terminal.ts'

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** One file without anything from elsewhere: tables and charts of results.json. */
export function report(results: Results): string {
  const facts = Object.entries(results.machine).map(([name, value]) => `${name}: ${value}`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>lockrow: benchmarks</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;margin:.5rem 0 1.5rem;font-variant-numeric:tabular-nums;font-size:13px}
th,td{padding:.2rem .7rem;border-bottom:1px solid #d8dee4;text-align:left;vertical-align:top}td.n{text-align:right}
h2{margin-top:3rem;border-top:2px solid #1b1f24;padding-top:.5rem}h3{margin:1.5rem 0 .3rem}
.met{color:#116329}.missed{color:#a40e26;font-weight:600}small{color:#57606a}svg{max-width:100%;height:auto;display:block}
</style></head><body><h1>lockrow: benchmarks</h1>
<p>Ratios within one run; contenders take turns round by round, figures are medians with the quartiles in brackets.
Absolute figures are this machine's (shared, noisy) and mean little elsewhere. ${escapeHtml(facts.join(' · '))}</p>
${results.sections.map(sectionHtml).join('\n')}
</body></html>
`
}

function sectionHtml(section: Section & { when: string }): string {
  const notes = [...section.notes, ...(profiles[section.id] ?? [])]
  const settings = Object.entries(section.settings).map(([name, value]) => `${name}: ${value}`)
  return `<h2 id="${escapeHtml(section.id)}">${escapeHtml(section.title)}</h2>
<small>${escapeHtml(section.when)} · ${escapeHtml(settings.join(' · '))}</small>
${
  (section.targets ?? []).length > 0
    ? `<table><tr><th>target</th><th>asked</th><th>measured</th><th></th></tr>${section
        .targets!.map(
          ({ what, target, value, met }) =>
            `<tr><td>${escapeHtml(what)}</td><td>${escapeHtml(target)}</td><td>${escapeHtml(value)}</td><td class="${met ? 'met' : 'missed'}">${met ? 'reached' : 'missed'}</td></tr>`,
        )
        .join('')}</table>`
    : ''
}
${section.charts.map(chartHtml).join('\n')}
${section.tables.map(tableHtml).join('\n')}
${notes.length > 0 ? `<ul>${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>` : ''}`
}

function tableHtml(table: Table): string {
  const cell = (value: string | number | undefined) =>
    `<td${typeof value === 'number' ? ' class="n"' : ''}>${escapeHtml(show(value))}</td>`
  return `<h3>${escapeHtml(table.title)}</h3><table><tr>${table.columns.map((name) => `<th>${escapeHtml(name)}</th>`).join('')}</tr>
${table.rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')}</table>`
}

const colours = ['#0969da', '#bf3989', '#1a7f37', '#9a6700', '#8250df', '#cf222e', '#57606a']
const chartHtml = (chart: Chart): string => (chart.kind === 'bars' ? bars(chart) : lines(chart))

function bars(chart: Extract<Chart, { kind: 'bars' }>): string {
  const left = 250
  const width = 460
  const most = Math.max(...chart.bars.map(({ value, high }) => high ?? value), chart.mark ?? 0)
  const x = (value: number) => left + (value / most) * width
  const rows = chart.bars.map(({ name, value, low, high }, i) => {
    const y = 30 + i * 24
    const whisker =
      low === undefined || high === undefined
        ? ''
        : `<line x1="${x(low)}" x2="${x(high)}" y1="${y + 8}" y2="${y + 8}" stroke="#1b1f24"/>`
    return `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escapeHtml(name)}</text><rect x="${left}" y="${y}" width="${Math.max(1, x(value) - left)}" height="16" fill="${name.startsWith('lockrow') ? colours[0] : '#afb8c1'}"/>${whisker}<text x="${x(Math.max(value, high ?? 0)) + 6}" y="${y + 13}">${number(value)}</text>`
  })
  const height = 40 + chart.bars.length * 24
  const mark =
    chart.mark === undefined
      ? ''
      : `<line x1="${x(chart.mark)}" x2="${x(chart.mark)}" y1="24" y2="${height - 6}" stroke="#cf222e" stroke-dasharray="4 3"/>`
  return svg(height, `${chart.title} (${chart.unit})`, rows.join('') + mark)
}

function lines(chart: Extract<Chart, { kind: 'lines' }>): string {
  const [left, top, width, height] = [80, 40, 480, 240]
  const values = chart.lines.flatMap(({ ys }) => ys.filter((y): y is number => y !== undefined && y > 0))
  const [low, high] = [
    Math.floor(Math.log10(Math.min(...values))),
    Math.ceil(Math.log10(Math.max(...values))),
  ]
  const [first, last] = [Math.log10(chart.xs[0]!), Math.log10(chart.xs.at(-1)!)]
  const x = (value: number) => left + ((Math.log10(value) - first) / (last - first || 1)) * width
  const y = (value: number) => top + height - ((Math.log10(value) - low) / (high - low || 1)) * height
  const grid = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map(
    (value) =>
      `<line x1="${left}" x2="${left + width}" y1="${y(value)}" y2="${y(value)}" stroke="#d8dee4"/><text x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${number(value)}</text>`,
  )
  const ticks = chart.xs.map(
    (value) => `<text x="${x(value)}" y="${top + height + 18}" text-anchor="middle">${number(value)}</text>`,
  )
  const drawn = chart.lines.map(({ name, ys }, i) => {
    const colour = colours[i % colours.length]!
    const points = ys.flatMap((value, at) => (value === undefined ? [] : [`${x(chart.xs[at]!)},${y(value)}`]))
    const legend = `<rect x="${left + width + 20}" y="${top + i * 20}" width="12" height="12" fill="${colour}"/><text x="${left + width + 38}" y="${top + 11 + i * 20}">${escapeHtml(name)}</text>`
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${points.map((point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3" fill="${colour}"/>`).join('')}${legend}`
  })
  const label = `<text x="${left + width / 2}" y="${top + height + 36}" text-anchor="middle">${escapeHtml(chart.xLabel)}</text>`
  return svg(
    top + height + 46,
    `${chart.title} (${chart.unit})`,
    [...grid, ...ticks, ...drawn, label].join(''),
  )
}

const svg = (height: number, title: string, content: string): string =>
  `<svg viewBox="0 0 800 ${height}" width="800" height="${height}" font-family="system-ui,sans-serif" font-size="12" role="img"><title>${escapeHtml(title)}</title><text x="8" y="16" font-weight="600">${escapeHtml(title)}</text>${content}</svg>`
