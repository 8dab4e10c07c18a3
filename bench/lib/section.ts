export interface Table {
  title: string
  columns: string[]
  rows: (string | number | undefined)[][]
}

/** A chart of what stands in a table: bars of one column, or lines over a growing x. */
export type Chart =
  | {
      kind: 'bars'
      title: string
      unit: string
      bars: { name: string; value: number; low?: number; high?: number }[]
      mark?: number
    }
  | {
      kind: 'lines'
      title: string
      unit: string
      xs: number[]
      xLabel: string
      lines: { name: string; ys: (number | undefined)[] }[]
    }

export interface Target {
  what: string
  target: string
  value: string
  met: boolean
}

export interface Section {
  id: string
  title: string
  settings: Record<string, string | number>
  tables: Table[]
  charts: Chart[]
  targets?: Target[]
  notes: string[]
}

export interface Results {
  machine: Record<string, string>
  sections: (Section & { when: string })[]
}
