export async function seeded(put: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < 100; i++) await put(i)
}
