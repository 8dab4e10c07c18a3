/** The item of all benchmarks: about 350 bytes, a map within a map and a list. */
export interface User {
  name: string
  email: string
  age: number
  active: boolean
  stock: number
  tags: string[]
  address: { street: string; city: string; zip: string }
}

export const makeUser = (i: number): User => ({
  name: `Jane Doe ${i}`,
  email: `jane.doe.${i}@example.com`,
  age: 20 + (i % 60),
  active: i % 2 === 0,
  stock: 1_000_000_000,
  tags: ['customer', 'newsletter', `group-${i % 10}`],
  address: { street: `${i} Long Street`, city: 'Springfield', zip: `${10_000 + i}` },
})

export const sortKey = (i: number): string => `user#${String(i).padStart(7, '0')}`
