import { change, type Defect } from './defect.ts'

const plan = 'collections/plan.ts'
const commit = 'collections/commit.ts'
const drill = 'collections'

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
]
