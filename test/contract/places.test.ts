// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are code to compile
import { describe, expect, it } from 'vitest'
import { service } from './program.ts'

/** What the compiler says of calls with a type argument, and what an editor offers inside of them. */
const ask = service()

const fine = [
  "db.update<User>(key, { set: { name: 'a', 'address.city': 'Ulm', 'tags[0]': 'x', 'address.lines[3].n': 4 } })",
  "db.update<User>(key, { set: { 'scores.ann': 1, 'friends.bob': { since: 1 }, 'friends.bob.since': 2, 'a\\\\.b': 1 } })",
  "db.update<User>(key, { set: { meta: [1], 'meta.any.thing': 1, 'tree.children[0].children[1].value': 1 } })",
  "db.update<User>(key, { set: { 'tree.children[0].children[1].children[2].children[3].value': 1 } })",
  "db.update<User>(key, { set: { contact: 'x', 'contact.mail': 'a', 'contact.phone': 1 }, ttl: null })",
  "db.update<User>(key, { set: { [`scores.${id}` as 'scores.x']: 1 }, add: { [`scores.${id}` as 'scores.x']: 1, age: -1, big: 1n } })",
  "db.update<User>(key, { set: { name: 'a', [`tags[${i}]` as 'tags[0]']: 'x' } })",
  "db.update<User>(key, { append: { tags: ['a'], 'address.lines': [{ n: 1 }] }, prepend: { tags: ['b'] } })",
  "db.update<User>(key, { addToSet: { roles: ['admin'] }, removeFromSet: { roles: new Set(['admin']) } })",
  "db.update<User>(key, { remove: ['nick', 'tags[2]', `scores.${id}`, ['a.b']], max: { age: 3 }, min: { 'scores.x': 3 } })",
  'db.update<User>(key, { delete: true }, { if: exists })',
  "db.update<User>(key, { set: { '': {} as User } }, { if: absent })",
  "db.update<User>(key, {}, { if: { age: { gte: 3, lt: field('scores.max') }, state: 'open', nick: { exists: false } } })",
  "db.update<User>(key, {}, { if: { tags: { contains: 'x', size: { lt: 3 } }, roles: { contains: 'a' }, photo: new Uint8Array() } })",
  "db.update<User>(key, {}, { if: { name: { beginsWith: 'a' }, age: field('scores.x'), state: { in: ['open'] }, address: null } })",
  "db.update<User>(key, {}, { if: anyOf({ age: 1 }, allOf({ state: 'closed' }, not({ 'address.city': 'Ulm' })), absent) })",
  'const held = anyOf({ whatever: 1 }); db.update<User>(key, {}, { if: held })',
  "db.update<User>(key, {}, { if: { [`friends.${id}` as 'friends.x']: { exists: false } } })",
  'db.update<{ scores: Record<string, number> }>(key, { add: { [`scores.${id}`]: 1 } })',
  // Without a type argument everything is open.
  "db.update(key, { set: { any: 1, 'a.b[0]': 2 }, add: [[['x', 1], 1]] }, { if: { some: { gte: 1 }, other: { eq: new Map() } } })",
  "db.update(key, { set: { [path('a.b', 'c')]: 1, [id]: 'x' } }, { if: [[['a.b'], { exists: true }]] })",
  'db.update<any>(key, { set: { any: 1 } }, { if: { some: 1 } })',
  'db.update<number>(key, { add: { "": 1 } }, { if: { "": { lt: 3 } } })',
  'db.update<Record<string, number>>(key, { add: { [id]: 1, x: 1 } }, { if: { x: { lt: 3 } } })',
  'db.set<User>({ ...key, data: {} as User }); db.set<User>([{ ...key, data: {} as User, ttl: 3 }])',
  'db.set(key); db.set([{ ...key, data: 1 }, { ...key, data: "x" }]); db.set<User | undefined>(key)',
  "atomic(db).set<User>({ ...key, data: {} as User }, { if: { age: 1 } }).update<User>(key, { add: { age: 1 } }, { if: { name: 'x' } })",
  'atomic(db).update(key, { add: { left: -1 } }, { if: { left: { gte: 1 } } }).delete<User>(key, { if: { age: 1 } })',
  "db.query<User>({ pk: 'users', fields: ['name', 'address.city', 'scores.ann', ['a.b']] }); db.query({ pk: 'x', fields: ['any'] })",
  // `data` is absent where the type says that it may be: written without it, and read as undefined.
  'async function f() { const one = await db.get(key); return one?.data satisfies unknown }',
  'async function f() { const one = await db.get<User | undefined>(key); return one?.data?.name satisfies string | undefined }',
  'async function f() { const [one] = await db.query<User | undefined>({ pk: "x" }); await db.set<User | undefined>(one!) }',
  'async function f() { await tx.get(key); tx.set(key); tx.set<User | undefined>({ ...key }); tx.set<User>({ ...key, data: {} as User }) }',
  'async function f() { const one = await db.get<User>(key); return one!.data.name satisfies string }',
  'async function f<T>() { const u = await db.update<T>(key, {}); return u.item?.data satisfies T | undefined }',
  'const r: Promise<{ applied: boolean; item?: { data: User } }> = db.update<User>(key, { add: { age: 1 } })',
]

/** Code, and how the first line of its only error begins. */
const wrong: [string, string][] = [
  [
    "db.update<User>(key, { set: { nmae: 'a' } })",
    "Object literal may only specify known properties, and 'nmae' does not exist",
  ],
  [
    "db.update<User>(key, { set: { 'address.ctiy': 'a' } })",
    'Object literal may only specify known properties',
  ],
  ['db.update<User>(key, { set: { name: 1 } })', "Type 'number' is not assignable to type 'string'."],
  [
    "db.update<User>(key, { set: { 'address.city': 1 } })",
    "Type 'number' is not assignable to type 'string'.",
  ],
  [
    "db.update<User>(key, { set: { 'tags[0]': true } })",
    "Type 'boolean' is not assignable to type 'string'.",
  ],
  [
    "db.update<User>(key, { set: { state: 'opn' } })",
    'Type \'"opn"\' is not assignable to type \'"open" | "closed" | undefined\'. Did you mean \'"open"\'?',
  ],
  ['db.update<User>(key, { add: { name: 1 } })', 'Object literal may only specify known properties'],
  ['db.update<User>(key, { add: { age: 1n } })', "Type 'bigint' is not assignable to type 'number'."],
  ['db.update<User>(key, { append: { tags: [1] } })', "Type 'number' is not assignable to type "],
  ["db.update<User>(key, { append: { name: ['x'] } })", 'Object literal may only specify known properties'],
  ["db.update<User>(key, { addToSet: { tags: ['x'] } })", 'Object literal may only specify known properties'],
  ['db.update<User>(key, { addToSet: { roles: [1] } })', "Type 'number' is not assignable to type 'string'."],
  ["db.update<User>(key, { remove: ['nik'] })", 'Type \'"nik"\' is not assignable to type '],
  [
    "db.update<User>(key, { sett: { name: 'a' } })",
    "Object literal may only specify known properties, but 'sett' does not exist",
  ],
  [
    "db.update(key, { sett: { name: 'a' } })",
    "Object literal may only specify known properties, but 'sett' does not exist",
  ],
  [
    'db.update<User>(key, {}, { if: { agee: { gte: 1 } } })',
    "Object literal may only specify known properties, but 'agee' does not exist in type 'Condition",
  ],
  [
    'db.update<User>(key, {}, { if: { age: { gtee: 1 } } })',
    "Object literal may only specify known properties, but 'gtee' does not exist in type 'FieldTests<number>'. Did you mean to write 'gte'?",
  ],
  ["db.update<User>(key, {}, { if: { age: { gte: 'x' } } })", "Type 'string' is not assignable to type "],
  ["db.update<User>(key, {}, { if: { age: 'x' } })", "Type 'string' is not assignable to type "],
  ["db.update<User>(key, {}, { if: { state: 'opn' } })", 'Type \'"opn"\' is not assignable to type '],
  [
    "db.update<User>(key, {}, { if: { age: { beginsWith: 'x' } } })",
    "Type 'string' is not assignable to type ",
  ],
  ['db.update<User>(key, {}, { if: { tags: { contains: 1 } } })', "Type 'number' is not assignable to type "],
  [
    'db.update<User>(key, {}, { if: anyOf({ agee: 1 }) })',
    "Object literal may only specify known properties, but 'agee' does not exist in type 'Condition",
  ],
  [
    'db.update<User>(key, {}, { iff: exists })',
    "Object literal may only specify known properties, and 'iff' does not exist",
  ],
  [
    'db.update(key, {}, { if: { age: { gtee: 1 } } })',
    "Type '{ age: { gtee: number; }; }' is not assignable to type ",
  ],
  [
    "db.set<User>({ ...key, data: { name: 'x' } })",
    "Type '{ name: string; }' is missing the following properties from type 'User': age, tags, state, roles",
  ],
  [
    "db.set<Shoe>({ ...key, data: { stock: 1, state: 'open', stcok: 2 } })",
    "Object literal may only specify known properties, but 'stcok' does not exist in type 'Shoe'. Did you mean to write 'stock'?",
  ],
  [
    "db.set<Shoe>({ ...key, data: { stock: 'x', state: 'open' } })",
    "Type 'string' is not assignable to type 'number'.",
  ],
  [
    "db.set<Shoe>([{ ...key, data: { stock: 'x', state: 'open' } }])",
    "Type 'string' is not assignable to type 'number'.",
  ],
  [
    "db.set<Shoe>([{ ...key, dta: { stock: 1, state: 'open' } }])",
    "Object literal may only specify known properties, but 'dta' does not exist in type 'AtomicDbItemInput<Shoe>'. Did you mean to write 'data'?",
  ],
  [
    "db.setAtomic<Shoe>({ ...key, data: { stock: 1n, state: 'open' } }, [])",
    "Type 'bigint' is not assignable to type 'number'.",
  ],
  [
    "atomic(db).set<Shoe>({ ...key, data: { stock: '', state: 'open' } })",
    "Type 'string' is not assignable to type 'number'.",
  ],
  [
    "atomic(db).setIfAbsent<Shoe>({ ...key, data: { stock: '', state: 'open' } })",
    "Type 'string' is not assignable to type 'number'.",
  ],
  [
    "tx.set<Shoe>({ ...key, data: { stock: 1, state: 'open', stcok: 2 } })",
    "Object literal may only specify known properties, but 'stcok' does not exist in type 'Shoe'. Did you mean to write 'stock'?",
  ],
  [
    "tx.set<Shoe>({ ...key, data: { stock: 1, state: 'opn' } })",
    'Type \'"opn"\' is not assignable to type \'"open" | "closed"\'. Did you mean \'"open"\'?',
  ],
  [
    'tx.update<Shoe>(key, { add: { stcok: 1 } })',
    "Object literal may only specify known properties, but 'stcok' does not exist",
  ],
  ['async function f() { return (await db.get(key))!.data.name }', "Object is of type 'unknown'."],
  [
    'async function f() { return (await db.get<User | undefined>(key))!.data.name }',
    "Object is possibly 'undefined'.",
  ],
  [
    'db.set<User>(key)',
    "Argument of type '{ pk: string; sk: string; }' is not assignable to parameter of type ",
  ],
  ['atomic(db).update<User>(key, { add: { agee: 1 } })', 'Object literal may only specify known properties'],
  [
    'atomic(db).set<User>({ ...key, data: {} as User }, { if: { agee: 1 } })',
    "Object literal may only specify known properties, but 'agee' does not exist",
  ],
  ["db.query<User>({ pk: 'users', fields: ['nmae'] })", 'Type \'"nmae"\' is not assignable to type '],
  ["db.query<User>({ pk: 'users', fields: ['tags[0]'] })", 'Type \'"tags[0]"\' is not assignable to type '],
  ["db.query({ pk: 'users', form: 'a' })", 'Object literal may only specify known properties'],
]

describe('typed paths', () => {
  // One file for all, a line for each: the compiler is slow to start.
  const blocks = (codes: readonly string[]) => ask(codes.map((code) => `{ ${code} }`).join('\n')).errors()

  it('what is right compiles', () => expect(blocks(fine)).toEqual([]))

  const found = () => {
    const first = blocks(wrong.map(([code]) => code))
    return { errors: first, long: first.filter((error) => error.includes('\n')) }
  }

  it('what is wrong is one error each, which says what', () => {
    const { errors, long } = found()
    const firstLines = errors.map((error) => error.split('\n')[0]!)
    expect(firstLines).toEqual(wrong.map(([, message]) => expect.stringContaining(message)))
    // Of one line, but for an item without any data, and for tests of a field of which nothing is known.
    expect(long.map((error) => errors.indexOf(error))).toEqual(
      wrong.flatMap(([code], at) =>
        code === 'db.set<User>(key)' ||
        (code.includes('(key, {}, { if: { age: { gtee') && !code.includes('<User>'))
          ? [at]
          : [],
      ),
    )
    // The compiler lists a few of the paths that there are, and cuts the rest off.
    for (const line of firstLines) expect(line.length).toBeLessThan(350)
  })
})

describe('completion', () => {
  const operators = [
    'eq',
    'ne',
    'lt',
    'lte',
    'gt',
    'gte',
    'between',
    'in',
    'exists',
    'beginsWith',
    'contains',
    'size',
    'type',
  ]
  const places = [
    'name',
    'age',
    'tags',
    'state',
    'address.city',
    'address.lines',
    'scores',
    'contact.mail',
    'tree.value',
  ]

  it.each([
    'db.update(key, {}, { if: { stock: { |> } } })',
    'db.update<User>(key, {}, { if: { age: { |> } } })',
    'db.update<User>(key, {}, { if: { photo: { |> } } })',
    'db.update<User>(key, {}, { if: anyOf({ age: { |> } }) })',
    'atomic(db).update(key, {}, { if: { stock: { |> } } })',
  ])('%s offers the operators and nothing else', (code) => {
    expect(ask(code).completions().toSorted()).toEqual(operators.toSorted())
  })

  it.each([
    'db.update<User>(key, { set: { |> } })',
    'db.update<User>(key, {}, { if: { |> } })',
    'db.update<User>(key, {}, { if: anyOf({ |> }) })',
    'atomic(db).update<User>(key, { set: { |> } })',
  ])('%s offers the paths', (code) => {
    const offered = ask(code).completions()
    expect(offered).toEqual(expect.arrayContaining(places.filter((path) => !path.includes('.'))))
    expect(offered.map((name) => name.replace(/^['"]|['"]$/g, ''))).toEqual(expect.arrayContaining(places))
    expect(offered).not.toContain('toString')
  })

  it('add offers numbers only, append lists, addToSet sets', () => {
    const offered = (kind: string) => ask(`db.update<User>(key, { ${kind}: { |> } })`).completions()
    expect(offered('add')).toEqual(expect.arrayContaining(['age', 'big']))
    expect(offered('add')).not.toContain('name')
    expect(offered('append')).toContain('tags')
    expect(offered('append')).not.toContain('age')
    expect(offered('addToSet')).toEqual(['meta', 'roles'])
  })

  it('values and fields are offered too', () => {
    const plain = (names: string[]) => names.map((name) => name.replace(/^['"]|['"]$/g, ''))
    expect(plain(ask("db.update<User>(key, { set: { state: '|>' } })").completions())).toEqual([
      'open',
      'closed',
    ])
    expect(plain(ask("db.query<User>({ pk: 'x', fields: ['|>'] })").completions())).toContain('address.city')
  })
})
