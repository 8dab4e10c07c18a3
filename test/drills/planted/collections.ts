import { change, type Defect } from './defect.ts'

const plan = 'collections/plan.ts'
const commit = 'collections/commit.ts'
const drill = 'collections'
const migration = 'migrations'

export const collectionDefects: readonly Defect[] = [
  {
    name: 'a plan is not guarded by the item that was read',
    class: 'collections',
    patches: [change(plan, 'const guard = unchanged(before)\n', 'const guard = before && exists\n')],
    drill,
    found: /lost update|entry/,
  },
  {
    name: 'one write of a plan is not guarded by the item that was read',
    class: 'collections',
    patches: [change(commit, 'before ? unchanged(before) : absent', 'before ? { n: { ne: -1 } } : absent')],
    drill,
    found: /lost update|entry/,
  },
  {
    name: 'a unique entry is written whoever has it',
    class: 'collections',
    patches: [change(plan, 'if (!index.unique) return undefined\n', 'if (index) return undefined\n')],
    drill,
    found: /not unique|entry/,
  },
  {
    name: 'entries that an item no longer has stay',
    class: 'collections',
    patches: [
      change(plan, 'wanted.has(text) || foreign?.has(text)', 'wanted.has(text) || !entry.index.unique'),
    ],
    drill,
    found: /entry orphan/,
  },
  {
    name: 'an update of a projected field is taken for a plain one',
    class: 'collections',
    patches: [
      change(
        'collections/index-definition.ts',
        '...sort, ...(project ?? []), ...conditions',
        '...sort, ...conditions',
      ),
    ],
    drill,
    found: /entry/,
  },
  {
    name: 'entries keep the expiry that the item had',
    class: 'collections',
    patches: [change('collections/entries.ts', 'a.ttl === b.ttl && equals(', 'equals(')],
    drill,
    found: /entry/,
  },
  {
    name: 'a count forgets the entries that were there',
    class: 'collections',
    patches: [change(plan, 'for (const entry of old) add(entry, -1)\n', '')],
    drill,
    found: /entry count/,
  },
  {
    name: 'an item is deleted while others refer to it',
    class: 'collections',
    patches: [change(plan, '{ n: { lte: release.own } }', '{ n: { gte: release.own } }')],
    drill,
    found: /references/,
  },
  {
    name: 'an update of one write makes an item',
    class: 'collections',
    patches: [
      change(
        'collections/writes.ts',
        'allOf(exists, isCurrentCondition(version))',
        'isCurrentCondition(version)',
      ),
    ],
    drill,
    found: /unexpected|entry|lost/,
  },
  {
    name: 'programs of an earlier version prolong their right to write when the fence is up',
    class: 'collections',
    patches: [
      change('collections/registration.ts', 'if (fence > version) throw', 'if (fence > 1e6) throw'),
      change('collections/registration.ts', 'allOf(exists, mayWrite(version), ', 'allOf(exists, '),
    ],
    drill: migration,
    found: /entry|migrated|not unique/,
  },
  {
    name: 'a write that was kept back leaves however old its registration is',
    class: 'collections',
    patches: [change('engine/last-moment.ts', 'for (const check of checks) check()', 'void checks')],
    drill: migration,
    found: /entry|migrated|not unique/,
  },
  {
    name: 'a migration does not wait for programs of earlier versions',
    class: 'collections',
    patches: [
      change(
        'collections/migration/migrate.ts',
        'earlier.every(({ until }) => hasEnded(until, now))',
        'earlier',
      ),
    ],
    drill: migration,
    found: /entry|migrated|not unique/,
  },
  {
    name: 'an index is read before it is filled',
    class: 'collections',
    patches: [change('collections/readiness.ts', 'if (complete < needed) throw', 'if (complete < 0) throw')],
    drill: migration,
    found: /entry not found/,
  },
  {
    name: 'items of an earlier version are taken to have entries of a later index',
    class: 'collections',
    patches: [
      change('collections/stored.ts', 'since <= version && version < until', 'version < until && since > 0'),
    ],
    drill: migration,
    found: /entry/,
  },
  {
    name: 'entries of items of an earlier version keep what they hold',
    class: 'collections',
    patches: [change(plan, 'version >= entry.index.changed', 'version >= 0')],
    drill: migration,
    found: /entry stale/,
  },
]
