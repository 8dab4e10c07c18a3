import { rowBytes } from '../../src/model/sizes.ts'
import type { Storage } from '../../src/storage.ts'

export interface Count {
  rru: number
  wru: number
  applies: number
  failed: number
  pages: number
}

/** Units by the documented formula, from the requests that were really made. */
export function counted(storage: Storage, count: Count): Storage {
  return {
    ...storage,
    page: async (range, options) => {
      const page = await storage.page(range, options)
      count.pages++
      const bytes = page.rows.reduce((sum, row) => sum + rowBytes(row), 0)
      count.rru += Math.max(1, Math.ceil(bytes / 4096)) * (options.consistent === false ? 0.5 : 1)
      return page
    },
    read: async (keys, options) => {
      const rows = await storage.read(keys, options)
      for (const row of rows)
        count.rru +=
          Math.max(1, Math.ceil((typeof row === 'object' ? rowBytes(row) : 1) / 4096)) *
          (options.consistent === false ? 0.5 : 1)
      return rows
    },
    apply: async (operation, options) => {
      const result = await storage.apply(operation, options)
      count.applies++
      if (!result.applied) count.failed++
      count.wru += Math.max(1, Math.ceil((result.row ? rowBytes(result.row) : 1) / 1024))
      return result
    },
    write: async (writes, options) => {
      for (const write of writes) count.wru += 'put' in write ? Math.ceil(rowBytes(write.put) / 1024) : 1
      return storage.write(writes, options)
    },
  }
}

export const noCount = (): Count => ({ rru: 0, wru: 0, applies: 0, failed: 0, pages: 0 })
