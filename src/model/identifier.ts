import Type, { type Static } from 'typebox'

/**
 * How one system names an object: `{instance}:{object}:{value}`, for example `erp-1:batch:RM-100/B-4711`.
 * A batch number alone identifies nothing (it is unique per material, or per material and plant), so the value
 * carries the qualifiers of its system. At most 200 characters.
 */
export const Identifier = Type.String({ minLength: 3, maxLength: 200, pattern: '^[a-z0-9-]+:[A-Za-z]+:.+$' })
export type Identifier = Static<typeof Identifier>

/** The name of one running system: `erp-1`, `qms-1`. */
export const SystemInstance = Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' })
export type SystemInstance = Static<typeof SystemInstance>
