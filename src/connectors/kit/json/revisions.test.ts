import { expect, test } from 'vitest'
import { createRevisions } from './revisions.ts'

test('the newest are kept, a repeated one counts as new', () => {
  const revisions = createRevisions(2)
  revisions.learn('a', '1')
  revisions.learn('b', '1')
  revisions.learn('a', '2')
  revisions.learn('c', '1')
  expect(['a', 'b', 'c'].map((subject) => revisions.of(subject))).toEqual(['2', null, '1'])
})
