import { allFindings, type ProofReport, summary } from './report.ts'

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!)

function bars(title: string, faults: Record<string, number>): string {
  const most = Math.max(1, ...Object.values(faults))
  const rows = Object.entries(faults).map(([name, count], i) => {
    // Counts differ by orders of magnitude: the bars are logarithmic.
    const width = count === 0 ? 0 : (Math.log10(count + 1) / Math.log10(most + 1)) * 380
    const y = i * 22
    return `<text x="128" y="${y + 15}" text-anchor="end">${escaped(name)}</text><rect x="136" y="${y + 3}" width="${width.toFixed(1)}" height="16"/><text x="${(142 + width).toFixed(1)}" y="${y + 15}">${count.toLocaleString('en')}</text>`
  })
  return `<h2>${title}</h2><svg viewBox="0 0 620 ${rows.length * 22 + 4}" role="img" aria-label="${title}">${rows.join('')}</svg>`
}

function line(title: string, points: readonly [number, number][]): string {
  if (points.length < 2) return ''
  const [lastX, lastY] = points.at(-1)!
  const step = Math.max(1, Math.floor(points.length / 200))
  const path = points
    .filter((_, i) => i % step === 0 || i === points.length - 1)
    .map(([x, y]) => `${((x / lastX) * 540 + 60).toFixed(1)},${(190 - (y / lastY) * 170).toFixed(1)}`)
  return `<h2>${title}</h2><svg viewBox="0 0 620 220" role="img" aria-label="${title}"><line x1="60" y1="190" x2="600" y2="190"/><line x1="60" y1="20" x2="60" y2="190"/><polyline points="${path.join(' ')}"/><text x="600" y="208" text-anchor="end">${lastX.toFixed(0)} s</text><text x="54" y="26" text-anchor="end">${(lastY / 1000).toFixed(0)}k</text></svg>`
}

/** A page that needs nothing but itself. */
export function htmlReport(report: ProofReport): string {
  const rows = summary(report).map(([name, value]) => `<tr><th>${name}</th><td>${escaped(value)}</td></tr>`)
  const findings = allFindings(report).slice(0, 50)
  const list = findings.map(
    (one) => `<li>seed ${one.seed}: ${escaped(one.kind)}<pre>${escaped(one.message)}</pre></li>`,
  )
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>lockrow: proof</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
table { border-collapse: collapse } th { text-align: left; padding-right: 1.5rem; font-weight: 600 } td, th { padding: .2rem 1rem .2rem 0; vertical-align: top }
svg { width: 100%; font-size: 12px } rect { fill: #3568a8 } polyline { fill: none; stroke: #3568a8; stroke-width: 2 } line { stroke: #999 }
pre { white-space: pre-wrap } @media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } svg text { fill: #ddd } }
</style>
<h1>lockrow ${escaped(report.version)}: ${findings.length === 0 ? 'no anomalies' : 'anomalies found'}</h1>
<p>node ${escaped(report.node)}, ${report.seconds.toFixed(0)} s in all. Repeat a seed with <code>npm run sim -- --seed N</code>.</p>
<table>${rows.join('')}</table>
${line('Operations in simulation over time', report.sim.progress)}
${bars('Faults in simulation', report.sim.faults)}
${bars('Faults in the drills', report.drills.faults)}
${bars('Faults on DynamoDB Local', report.local.faults)}
${list.length > 0 ? `<h2>Anomalies</h2><ul>${list.join('')}</ul>` : ''}
</html>
`
}
