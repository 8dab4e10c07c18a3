export * from './tracing.ts'
