import { apiHandler } from '../api.ts'
import { openDb } from '../db.ts'

export const handler = apiHandler(openDb())
