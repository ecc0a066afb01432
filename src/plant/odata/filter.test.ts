import { describe, expect, test } from 'vitest'
import { entityType } from './edm.ts'
import { matches, parseFilter, requiredValues } from './filter.ts'
import { ODataError } from './odata-error.ts'

const TYPE = entityType({
  name: 'A_Thing',
  keys: 'Name',
  fields: 'Name:String(10), Size:Decimal(3), Day:DateTime, Changed:DateTimeOffset, At:Time, Old:Boolean, Mark:Guid',
})
const THING = {
  Name: "O'Neil",
  Size: '10.500',
  Day: Date.parse('2026-11-02T00:00:00Z'),
  Changed: Date.parse('2026-11-02T07:00:00Z'),
  At: 8 * 3600,
  Old: true,
  Mark: '6b1c0f0e-6f0a-4b0e-8f2b-0d9f3c0a1b2c',
}

describe('a filter matches', () => {
  test.each([
    "Name eq 'O''Neil'",
    "Name ne 'x' and Size gt 10",
    'Size eq 10.5m',
    'Size le 10.50 and Size ge 10.5',
    '10 lt Size',
    "Day eq datetime'2026-11-02T00:00:00'",
    "Day ge datetime'2026-11-01T00:00' and Day lt datetime'2026-11-03T00:00:00.0000000'",
    "Changed gt datetimeoffset'2026-11-02T07:59:00+01:00'",
    "At eq time'PT08H00M00S'",
    'Old eq true',
    "Mark eq guid'6B1C0F0E-6F0A-4B0E-8F2B-0D9F3C0A1B2C'",
    "substringof('Nei',Name)",
    "startswith(Name,'O') eq true",
    "not (Name eq 'y')",
    "(Name eq 'y' or Name eq 'O''Neil') and not startswith(Name,'y')",
    "Name eq 'y' or Name eq 'z' or Size eq 10.5",
  ])('%s', (text) => {
    expect(matches(parseFilter(text, TYPE), THING)).toBe(true)
  })
})

describe('a filter does not match', () => {
  test.each(["Name eq 'o''neil'", 'Size gt 10.5', "endswith(Name,'O')", "startswith(Name,'O') eq false", 'Day eq null', "Name gt 'P'"])(
    '%s',
    (text) => {
      expect(matches(parseFilter(text, TYPE), THING)).toBe(false)
    },
  )
})

describe('refused with 400', () => {
  test.each([
    "Nme eq 'x'",
    'Name eq x',
    'Name eq 5',
    "Size eq 'x'",
    "Day eq '2026-11-02'",
    "Day eq datetime'yesterday'",
    "Changed eq datetime'2026-11-02T07:00:00'",
    "Name = 'x'",
    "Name eq 'x",
    "(Name eq 'x'",
    "Name eq 'x' and",
    "Name eq 'x' Size eq 1",
    'substringof(Name)',
    "startswith(Size,'1')",
    "Name like 'x'",
    '',
    `${'('.repeat(60)}Old eq true${')'.repeat(60)}`,
  ])('%s', (text) => {
    expect(() => parseFilter(text, TYPE)).toThrow(ODataError)
  })
})

test('values that every match must have are known to an index', () => {
  const required = (text: string): unknown => Object.fromEntries(requiredValues(parseFilter(text, TYPE)))
  expect(required("Name eq 'a' and Size gt 1")).toEqual({ Name: ['a'] })
  expect(required("(Name eq 'a' or Name eq 'b') and Old eq true")).toEqual({ Name: ['a', 'b'], Old: [true] })
  expect(required("Name eq 'a' or Size gt 1")).toEqual({})
  expect(required("not (Name eq 'a')")).toEqual({})
})
