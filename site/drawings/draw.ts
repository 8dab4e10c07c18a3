/** Small pictures as SVG, legible on light and dark pages: each has a ground of its own, and colours for both. */

export type Kind = 'plain' | 'item' | 'lock' | 'message' | 'lease' | 'good' | 'bad'
export type Point = readonly [x: number, y: number]

type Colours = Readonly<Record<Kind, readonly [fill: string, stroke: string]>>

const light: Colours = {
  plain: ['#ffffff', '#9aa3b2'],
  item: ['#e4edfd', '#5f87d1'],
  lock: ['#fdf1d6', '#c2912a'],
  message: ['#e0f4e6', '#4b9a66'],
  lease: ['#f0e7fb', '#8e69c4'],
  good: ['#e0f4e6', '#3b8a57'],
  bad: ['#fde7e7', '#c24a51'],
}
const dark: Colours = {
  plain: ['#262b36', '#717b8d'],
  item: ['#1f2f4d', '#6d96e0'],
  lock: ['#3d3219', '#d3a443'],
  message: ['#1c3827', '#5cb07a'],
  lease: ['#33264a', '#a885dc'],
  good: ['#1c3827', '#5cb07a'],
  bad: ['#452427', '#e0737a'],
}

const rules = (colours: Colours, ground: string, edge: string, ink: string, soft: string): string =>
  [
    `.ground{fill:${ground};stroke:${edge}}`,
    `.ink{fill:${ink}}.soft{fill:${soft}}`,
    `.way{stroke:${soft}}.head{fill:${soft}}`,
    ...Object.entries(colours).map(
      ([kind, [fill, stroke]]) => `.${kind}{fill:${fill};stroke:${stroke}}.way.${kind}{fill:none}`,
    ),
  ].join('')

const style = [
  'text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}',
  '.mono{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}',
  '.small{font-size:12px}.strong{font-weight:600}.way{fill:none;stroke-width:1.5}.dashed{stroke-dasharray:4 4}',
  rules(light, '#f7f8fa', '#d5d9e0', '#1b212c', '#525b69'),
  `@media (prefers-color-scheme:dark){${rules(dark, '#171a21', '#363c48', '#e9ecf2', '#a9b2c0')}}`,
].join('')

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** `look` is a list of classes: ink or soft, mono, small, strong. */
export const text = (
  [x, y]: Point,
  words: string,
  look = 'ink',
  anchor: 'start' | 'middle' | 'end' = 'start',
): string =>
  `<text x="${x}" y="${y}" class="${look}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}>${escaped(words)}</text>`

/** A box with lines of text in its middle, the first one strong. */
export function box(
  [x, y]: Point,
  width: number,
  height: number,
  lines: readonly string[],
  kind: Kind = 'plain',
): string {
  const step = 17
  const top = y + height / 2 - ((lines.length - 1) * step) / 2 + 4.5
  const words = lines.map((line, i) =>
    text([x + width / 2, top + i * step], line, i === 0 ? 'ink strong' : 'soft small', 'middle'),
  )
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" class="${kind}"/>${words.join('')}`
}

/** The head is drawn, not a marker: some viewers leave markers out. */
function head([fromX, fromY]: Point, [x, y]: Point): string {
  const angle = Math.atan2(y - fromY, x - fromX)
  const corner = (turn: number): string =>
    `${(x - 9 * Math.cos(angle + turn)).toFixed(1)},${(y - 9 * Math.sin(angle + turn)).toFixed(1)}`
  return `<polygon points="${x},${y} ${corner(0.42)} ${corner(-0.42)}" class="head"/>`
}

/** Straight lines from point to point, with a head at the end. */
export const arrow = (points: readonly Point[], look = ''): string =>
  `<polyline points="${points.map((point) => point.join()).join(' ')}" class="way${look && ` ${look}`}"/>${head(points.at(-2)!, points.at(-1)!)}`

export const line = (from: Point, to: Point, look = ''): string =>
  `<line x1="${from[0]}" y1="${from[1]}" x2="${to[0]}" y2="${to[1]}" class="way${look && ` ${look}`}"/>`

export const area = ([x, y]: Point, width: number, height: number, kind: Kind, look = ''): string =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" class="${kind}${look && ` ${look}`}"/>`

/** `title` and `says` are what a screen reader reads. */
export const picture = (
  title: string,
  says: string,
  [width, height]: Point,
  parts: readonly string[],
): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="t d">`,
    `<title id="t">${escaped(title)}</title>`,
    `<desc id="d">${escaped(says)}</desc>`,
    `<style>${style}</style>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" class="ground"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
