import { openDb } from '../db.ts'
import { readHandler } from '../read.ts'

export const handler = readHandler(openDb())
