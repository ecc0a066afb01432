import ts from 'typescript'

export interface SourceFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** A small rule that no other tool keeps. `find` returns one sentence per finding; `bad` must be found, `good` must not. */
export interface Rule {
  readonly name: string
  readonly applies: (path: string) => boolean
  readonly find: (file: SourceFile) => readonly string[]
  readonly bad: readonly SourceFile[]
  readonly good: readonly SourceFile[]
}

const FILE_LINES_MAX = 600
const FUNCTION_LINES_MAX = 70
/** `create…` and `open…` make a thing with a lifetime out of functions: what a class is elsewhere. Each of them is measured alone. */
const FACTORY_LINES_MAX = 200

const isCode = (path: string) => /\.(ts|tsx|mjs)$/.test(path)
const isTest = (path: string) => path.endsWith('.test.ts') || path.startsWith('test/')
const isText = (path: string) => !/(^|\/)(package-lock\.json|LICENSE)$|\.(png|ico|woff2|db)$/.test(path)
const isProduct = (path: string) => path.startsWith('src/') && isCode(path) && !isTest(path)
const isPlace = (path: string) => /^src\/(main\.ts|cli\/|runtime\/real|store\/sqlite\/)/.test(path)

/** Words in two halves, so that this file does not contain them. */
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`)
const FOREIGN = new RegExp(
  [
    '/wo' + 'rk/',
    '/fa' + 'rm/',
    '\\bsub-?' + 'agents?\\b',
    '\\b(AI|coding) ' + 'agents?\\b',
    '\\bCE' + 'O\\b',
    'DEVELOP' + 'ERS\\.md',
    '\\b(developer|coding|work|this|previous|earlier|later) ' + 'sessions?\\b',
  ].join('|'),
)
const BANNED_PARTS: ReadonlySet<string> = new Set(['manager', 'helper', 'helpers', 'util', 'utils', 'service', 'services', 'common'])

export const RULES: readonly Rule[] = [
  {
    name: `files have at most ${FILE_LINES_MAX} lines`,
    applies: isCode,
    find: ({ text }) => (lineCount(text) > FILE_LINES_MAX ? [`${lineCount(text)} lines`] : []),
    bad: [file('src/a.ts', '\n'.repeat(FILE_LINES_MAX + 1))],
    good: [file('src/a.ts', '\n'.repeat(FILE_LINES_MAX))],
  },
  {
    name: `functions have at most ${FUNCTION_LINES_MAX} lines; a factory, without the functions in it`,
    applies: isCode,
    find: longFunctions,
    bad: [
      file('src/a.ts', `const f = () => {${'\n'.repeat(FUNCTION_LINES_MAX)}}`),
      file('src/a.ts', `function f() { const g = () => {${'\n'.repeat(FUNCTION_LINES_MAX)}} }`),
      file('src/a.ts', `function createF() {${'\n'.repeat(FUNCTION_LINES_MAX)}}`),
      file('src/a.ts', `function openF() {${`const g = () => {${'\n'.repeat(FUNCTION_LINES_MAX - 1)}}\n`.repeat(3)}}`),
      file('src/a.ts', `class A { m() {${'\n'.repeat(FUNCTION_LINES_MAX)}} }`),
    ],
    good: [
      file('src/a.ts', `function f() {${'\n'.repeat(FUNCTION_LINES_MAX - 1)}}`),
      file('src/a.ts', `function createF() {${`const g = () => {${'\n'.repeat(FUNCTION_LINES_MAX - 1)}}\n`.repeat(2)}}`),
      file('test/a.ts', `export function suite() { test('x', () => 1)${'\n'.repeat(FUNCTION_LINES_MAX)}}`),
    ],
  },
  {
    name: 'names say what a thing is: none of the words that fit everything',
    applies: isCode,
    find: vagueNames,
    bad: [file('src/stock-utils.ts', ''), file('src/a.ts', 'class LotManager {}'), file('src/a.ts', 'interface A { stockHelper: 1 }')],
    good: [file('src/a.ts', "import { commonName } from 'x'\nconst utility = commonName.manager\nconst uncommon = 1")],
  },
  {
    name: 'nothing is left for later',
    applies: isText,
    find: ({ text }) => matchingLines(text, UNFINISHED),
    bad: [file('docs/a.md', `x\n${'TO' + 'DO'}: more`)],
    good: [file('docs/a.md', 'todos los lotes')],
  },
  {
    name: 'the product speaks of the product only',
    applies: isText,
    find: ({ text }) => matchingLines(text, FOREIGN),
    bad: [file('docs/a.md', `see ${'/wo' + 'rk/'}main`), file('src/a.ts', `// for a later ${'sess' + 'ion'}`)],
    good: [file('docs/a.md', 'The session token expires; a work order; the framework/ folder; CEOP')],
  },
  {
    name: 'no compiler or linter is told to look away without a reason',
    applies: isCode,
    find: ({ text }) => matchingLines(text, /@ts-(ignore|nocheck|expect-error)|biome-ignore-(all|start)|biome-ignore [^:]*(:\s*)?$/),
    bad: [file('src/a.ts', `// @ts-${'ignore'}`), file('src/a.ts', `// biome-${'ignore'} lint/x:`)],
    good: [file('src/a.ts', `// biome-${'ignore'} lint/x: the port has four parameters`)],
  },
  {
    name: 'time, chance and globals come through the runtime port',
    applies: (path) => isProduct(path) && !isPlace(path),
    find: (source) => nodesWhere(source, isImpure),
    bad: ['Date.now()', 'new Date()', 'Date()', 'Math.random()', 'performance.now()', 'crypto.randomUUID()', 'globalThis.fetch'].map(
      (code) => file('src/a.ts', code),
    ),
    good: [file('src/a.ts', "new Date('2026-01-01'); Date.parse('x'); Math.max(1, 2); clock.now(); x.performance")],
  },
  {
    name: 'no import for its side effects',
    applies: isProduct,
    find: (source) => nodesWhere(source, (node) => ts.isImportDeclaration(node) && node.importClause === undefined),
    bad: [file('src/a.ts', "import './b.ts'")],
    good: [file('src/a.ts', "import { b } from './b.ts'")],
  },
  {
    name: 'no default exports',
    applies: (path) => isCode(path) && !/^[^/]*\.(config\.ts|mjs)$/.test(path),
    find: (source) => nodesWhere(source, isDefaultExport),
    bad: [
      file('src/a.ts', 'export default 1'),
      file('src/a.ts', 'export default function f() {}'),
      file('src/a.ts', 'const a = 1\nexport { a as default }'),
    ],
    good: [file('src/a.ts', 'export const a = 1')],
  },
  {
    name: 'no barrels inside src',
    applies: (path) => isProduct(path) && !path.startsWith('src/doors/'),
    find: barrels,
    bad: [
      file('src/index.ts', ''),
      file('src/a.ts', "export * from './b.ts'"),
      file('src/a.ts', "export { b } from './b.ts'\nexport type { C } from './c.ts'"),
    ],
    good: [file('src/a.ts', "import { b } from './b.ts'\nexport const a = b")],
  },
  {
    name: 'every test runs',
    applies: (path) => isTest(path) && isCode(path),
    find: (source) => nodesWhere(source, isSwitchedOffTest),
    bad: ['skip', 'only', 'todo', 'skipIf', 'runIf', 'fails']
      .map((word) => file('test/a.test.ts', `test.${word}('x')`))
      .concat(file('test/a.test.ts', "xit('x')")),
    good: [file('test/a.test.ts', "test.each([1])('x', () => page.skip(1))")],
  },
]

/** Uses of `any` in a file, for the budget over the whole product. */
export function anyCount(source: SourceFile): number {
  return nodesWhere(source, (node) => node.kind === ts.SyntaxKind.AnyKeyword).length
}

/** The first statement that is not an import checks the version of Node. */
export function checksNodeVersion(source: SourceFile): boolean {
  const first = parse(source).statements.find((statement) => !ts.isImportDeclaration(statement))
  return first !== undefined && ts.isIfStatement(first) && first.expression.getText().includes('process.versions.node')
}

export function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

function file(path: string, text: string): SourceFile {
  return { path, text }
}

function parse({ path, text }: SourceFile): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2024, true)
}

function nodesWhere(source: SourceFile, found: (node: ts.Node) => boolean): string[] {
  const root = parse(source)
  const findings: string[] = []
  const visit = (node: ts.Node): void => {
    if (found(node)) findings.push(`line ${lineOf(root, node.getStart())}: ${firstLine(node.getText())}`)
    node.forEachChild(visit)
  }
  root.forEachChild(visit)
  return findings
}

function longFunctions(source: SourceFile): string[] {
  const root = parse(source)
  return nodesWhere(source, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return false
    if (isTest(source.path) && declaresTests(node)) return false
    const lines = linesOf(root, node)
    const name = node.name?.getText() ?? ''
    if (!/^(create|open)[A-Z]/.test(name)) return lines > FUNCTION_LINES_MAX
    return lines > FACTORY_LINES_MAX || lines - linesOfInnerFunctions(root, node) > FUNCTION_LINES_MAX
  })
}

/** Lines that belong to functions inside `node`; a line shared with `node` stays its own. */
function linesOfInnerFunctions(root: ts.SourceFile, node: ts.Node): number {
  let lines = 0
  node.forEachChild(function visit(child) {
    if (ts.isFunctionLike(child)) lines += linesOf(root, child) - 1
    else child.forEachChild(visit)
  })
  return lines
}

function declaresTests(node: ts.Node): boolean {
  let declares = false
  node.forEachChild(function visit(child) {
    if (ts.isCallExpression(child) && /^(describe|test|it)\b/.test(child.expression.getText())) declares = true
    if (!declares) child.forEachChild(visit)
  })
  return declares
}

function vagueNames(source: SourceFile): string[] {
  const inPath = source.path.split(/[/.-]/).filter((part) => BANNED_PARTS.has(part))
  const declared = nodesWhere(source, (node) => {
    const name = ts.isImportSpecifier(node) ? undefined : (node as ts.NamedDeclaration).name
    return name !== undefined && ts.isIdentifier(name) && isDeclaration(node) && parts(name.text).some((part) => BANNED_PARTS.has(part))
  })
  return [...inPath.map((part) => `file name contains ${part}`), ...declared]
}

function isDeclaration(node: ts.Node): boolean {
  return (
    ts.isVariableDeclaration(node) ||
    ts.isFunctionLike(node) ||
    ts.isClassLike(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isPropertySignature(node) ||
    ts.isPropertyDeclaration(node)
  )
}

function parts(name: string): string[] {
  return name.split(/(?<=[a-z0-9])(?=[A-Z])|_/).map((part) => part.toLowerCase())
}

function isImpure(node: ts.Node): boolean {
  if (ts.isNewExpression(node)) return node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0
  if (ts.isCallExpression(node)) return node.expression.getText() === 'Date'
  if (!ts.isPropertyAccessExpression(node)) return false
  return /^(Date\.now|Math\.random|(performance|crypto|globalThis)\.\w+)$/.test(node.getText())
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true
  if (ts.isExportSpecifier(node)) return node.name.text === 'default'
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword)
}

function barrels(source: SourceFile): string[] {
  if (/(^|\/)index\.ts$/.test(source.path)) return ['index.ts']
  const statements = parse(source).statements.filter((statement) => !ts.isImportDeclaration(statement))
  const forwards = statements.filter((statement) => ts.isExportDeclaration(statement))
  const forwardsAll = forwards.some((statement) => statement.exportClause === undefined)
  return forwardsAll || (statements.length > 0 && forwards.length === statements.length) ? ['only passes on what others export'] : []
}

function isSwitchedOffTest(node: ts.Node): boolean {
  if (ts.isCallExpression(node) && /^(xit|xtest|xdescribe|fit|fdescribe)$/.test(node.expression.getText())) return true
  return (
    ts.isPropertyAccessExpression(node) && /^(test|it|describe|suite)(\.\w+)*\.(skip|only|todo|skipIf|runIf|fails)$/.test(node.getText())
  )
}

function matchingLines(text: string, pattern: RegExp): string[] {
  return text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`line ${index + 1}: ${firstLine(line.trim())}`] : []))
}

function linesOf(root: ts.SourceFile, node: ts.Node): number {
  return lineOf(root, node.getEnd()) - lineOf(root, node.getStart()) + 1
}

function lineOf(root: ts.SourceFile, position: number): number {
  return root.getLineAndCharacterOfPosition(position).line + 1
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 120)
}
