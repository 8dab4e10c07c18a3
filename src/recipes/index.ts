export * from './bounded.ts'
export * from './recipes.ts'
export * from './unique.ts'
