import { expect, test } from 'vitest'
import { FullGroups } from '../../src/worker/full-groups.ts'
import { NotNow, type Permit, type Permits } from '../../src/worker/permits.ts'
import { Machine } from '../setup/machine.ts'

/** Groups that have room as told, with waits without chance. */
function setUp() {
  const machine = new Machine(1e12)
  machine.random = () => 1
  const full = new Set<string>()
  const ended: string[] = []
  const asked: string[] = []
  const groups = new FullGroups(
    machine,
    (group) =>
      ({
        async take() {
          asked.push(group)
          if (full.has(group)) throw new NotNow('full')
          return { isLost: false, onLost: () => () => {}, end: () => ended.push(group) } satisfies Permit
        },
      }) as unknown as Permits,
  )
  return { machine, full, ended, asked, groups }
}
const refused = (groups: FullGroups, group: string) => expect(groups.take(group)).rejects.toThrow(NotNow)

test('a group with room is not passed over, and its permit is given back', async () => {
  const { ended, groups } = setUp()
  const permit = await groups.take('a')
  expect([groups.names, ended]).toEqual([[], []])
  groups.give('a', permit)
  expect(ended).toEqual(['a'])
})

test('a full group is passed over for longer each time, from one second to eight, and nothing is asked meanwhile', async () => {
  const { machine, full, asked, groups } = setUp()
  full.add('a')
  for (const ms of [1000, 2000, 4000, 8000, 8000]) {
    await refused(groups, 'a')
    expect(groups.names).toEqual(['a'])
    machine.pass(ms - 1)
    expect(groups.names).toEqual(['a'])
    const count = asked.length
    await refused(groups, 'a')
    expect(asked).toHaveLength(count)
    machine.pass(1)
    expect(groups.names).toEqual([])
  }
})

test('chance takes up to half of the time away, so that not all come back at once', async () => {
  const { machine, full, groups } = setUp()
  full.add('a')
  machine.random = () => 0
  await refused(groups, 'a')
  machine.pass(499)
  expect(groups.names).toEqual(['a'])
  machine.pass(1)
  expect(groups.names).toEqual([])
})

test('times count anew once it had room, or when one of its messages ends here', async () => {
  const { machine, full, groups } = setUp()
  const permit = await groups.take('a')
  full.add('a')
  await refused(groups, 'a')
  groups.give('a', permit)
  expect(groups.names).toEqual([])
  await refused(groups, 'a')
  machine.pass(1000)
  full.delete('a')
  await groups.take('a')
  full.add('a')
  await refused(groups, 'a')
  machine.pass(1000)
  expect(groups.names).toEqual([])
})

test('so many groups are remembered; the one that was refused longest ago is forgotten first', async () => {
  const { full, groups } = setUp()
  const names = Array.from({ length: 1001 }, (_, i) => `g${i}`)
  for (const name of names) full.add(name)
  for (const name of names.slice(0, 1000)) await refused(groups, name)
  expect(groups.names).toHaveLength(1000)
  await refused(groups, names[1000]!)
  expect(groups.names).toEqual(names.slice(1))
})
