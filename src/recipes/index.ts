/**
 * Named updates, unique values, errors as answers of HTTP.
 *
 * @module lockrow/recipes
 */

export * from './bounded.ts'
export * from './recipes.ts'
export { type HttpAnswer, type HttpProblem, toHttp } from './to-http.ts'
export * from './unique.ts'
