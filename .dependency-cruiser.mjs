// Who may import whom, as data. One row is one rule; test/boundaries.test.ts plants a violation for each.
// Paths are regular expressions; `$1` in `to` is the folder that `from` captured.
const EVERYONE = ['^src/errors\\.ts$', '^src/assert\\.ts$']
const MODEL = '^src/model/'
const RUNTIME = '^src/runtime\\.ts$'
const PROCESS_TYPE = '^src/process/process\\.ts$'
const PORTS = [RUNTIME, '^src/store/store\\.ts$', '^src/transport/transport\\.ts$', '^src/connectors/connector\\.ts$']
const EDGE = '^src/(main\\.ts$|cli/)'
const TESTS = '\\.test\\.ts$'

/**
 * Every file under src, tests beside the code excepted, belongs to exactly one row: the first whose `from` matches.
 * `npm`: libraries it may use. `node`: it may use Node's own modules.
 * @type {readonly { name: string, comment: string, from: string, to: readonly string[], npm?: readonly string[], node?: boolean }[]}
 */
export const LAYERS = [
  { name: 'errors-and-assert-know-nobody', comment: 'Everyone may import them.', from: '^src/(errors|assert)\\.ts$', to: [] },
  { name: 'runtime-port-knows-nobody', comment: 'A port is only types.', from: RUNTIME, to: [] },
  {
    name: 'real-runtime-is-alone',
    comment: 'The one place with sockets, clocks and randomness.',
    from: '^src/runtime/real',
    to: [RUNTIME, '^src/runtime/', ...EVERYONE],
    npm: ['undici'],
    node: true,
  },
  {
    name: 'simulated-runtime-is-deterministic',
    comment: 'No Node module, no library: nothing may escape the virtual clock.',
    from: '^src/runtime/',
    to: [RUNTIME, '^src/runtime/', ...EVERYONE],
  },
  { name: 'model-is-pure', comment: 'Nouns.', from: MODEL, to: [MODEL, ...EVERYONE], npm: ['typebox', 'decimal\\.js'] },
  {
    name: 'verbs-are-pure',
    comment: 'process, reconcile and sites know the model and each other.',
    from: '^src/(process|reconcile|sites)/',
    to: [MODEL, '^src/(process|reconcile|sites)/', ...EVERYONE],
  },
  {
    name: 'engine-is-generic',
    comment: 'The engine knows ports, never an implementation, a named process or a site.',
    from: '^src/engine/',
    to: ['^src/engine/', MODEL, '^src/reconcile/', PROCESS_TYPE, ...PORTS, ...EVERYONE],
  },
  {
    name: 'store-port-is-abstract',
    comment: 'The port, and what its implementations share, know none of them.',
    from: '^src/store/[^/]+\\.ts$',
    to: ['^src/store/[^/]+\\.ts$', MODEL, PROCESS_TYPE, RUNTIME, ...EVERYONE],
  },
  {
    name: 'sqlite-is-a-store',
    comment: 'The embedded database, its files and nothing else.',
    from: '^src/store/sqlite/',
    to: ['^src/store/sqlite/', '^src/store/[^/]+\\.ts$', MODEL, PROCESS_TYPE, RUNTIME, ...EVERYONE],
    node: true,
  },
  {
    name: 'stores-are-strangers',
    comment: 'A store knows its port, what stores share beside it, and itself.',
    from: '^src/store/([^/]+)/',
    to: ['^src/store/$1/', '^src/store/[^/]+\\.ts$', MODEL, PROCESS_TYPE, RUNTIME, ...EVERYONE],
  },
  {
    name: 'transport-port-is-abstract',
    comment: 'The port knows no implementation.',
    from: '^src/transport/[^/]+\\.ts$',
    to: ['^src/transport/[^/]+\\.ts$', MODEL, RUNTIME, ...EVERYONE],
  },
  {
    name: 'transports-are-strangers',
    comment: 'A transport knows its port and itself.',
    from: '^src/transport/([^/]+)/',
    to: ['^src/transport/$1/', '^src/transport/[^/]+\\.ts$', MODEL, RUNTIME, ...EVERYONE],
  },
  {
    name: 'mappings-are-pure',
    comment: 'A mapping sees the model only.',
    from: '^src/connectors/.+/mapping\\.ts$',
    to: [MODEL, ...EVERYONE],
  },
  {
    name: 'connector-port-is-abstract',
    comment: 'The port knows no system.',
    from: '^src/connectors/[^/]+\\.ts$',
    to: ['^src/connectors/[^/]+\\.ts$', MODEL, RUNTIME, ...EVERYONE],
  },
  {
    name: 'kits-know-no-system',
    comment: 'A protocol kit serves connectors and knows none.',
    from: '^src/connectors/kit/([^/]+)/',
    to: ['^src/connectors/kit/$1/', '^src/connectors/[^/]+\\.ts$', MODEL, RUNTIME, ...EVERYONE],
  },
  {
    name: 'connectors-are-strangers',
    comment: 'What connectors share is a protocol kit under connectors/kit.',
    from: '^src/connectors/([^/]+)/',
    to: ['^src/connectors/$1/', '^src/connectors/kit/', '^src/connectors/[^/]+\\.ts$', MODEL, RUNTIME, ...EVERYONE],
  },
  {
    name: 'http-only-calls',
    comment: 'Validate, call, answer.',
    from: '^src/http/',
    to: ['^src/http/', MODEL, '^src/process/', '^src/engine/', ...PORTS, ...EVERYONE],
  },
  {
    name: 'security-and-observe-are-leaves',
    comment: 'They know the model and the ports.',
    from: '^src/(security|observe)/',
    to: ['^src/(security|observe)/', MODEL, ...PORTS, ...EVERYONE],
  },
  {
    name: 'plant-programs-run-one-system',
    comment: 'A simulated system as a process: real runtime, a disk, one system.',
    from: '^src/plant/[^/]+/main\\.ts$',
    to: ['^src/plant/', RUNTIME, '^src/runtime/real', '^src/assert\\.ts$'],
    node: true,
  },
  {
    name: 'plant-disk-is-a-file',
    comment: 'The one place of the plant that touches a file.',
    from: '^src/plant/sqlite-disk\\.ts$',
    to: ['^src/plant/[^/]+\\.ts$', '^src/assert\\.ts$'],
    node: true,
  },
  {
    name: 'plant-is-isolated',
    comment: 'Simulated systems speak to the hub over the wire and share no code with it.',
    from: '^src/plant/',
    to: ['^src/plant/', RUNTIME, '^src/assert\\.ts$'],
  },
  {
    name: 'doors-only-forward',
    comment: 'What package.json exports: types, ports and the suites that others may run.',
    from: '^src/doors/',
    to: [MODEL, PROCESS_TYPE, ...PORTS, '^src/runtime/', '^src/store/memory/', '^test/contract/', ...EVERYONE],
  },
]

/** These wire everything together, so they have no row. */
export const UNLIMITED = EDGE

const layerRules = LAYERS.map((layer, index) => ({
  name: layer.name,
  comment: layer.comment,
  severity: 'error',
  from: { path: layer.from, pathNot: [TESTS, ...LAYERS.slice(0, index).map((earlier) => earlier.from)] },
  to: {
    pathNot: [...layer.to, ...(layer.npm ?? []).map((library) => `(^|/)node_modules/${library}/`)],
    ...(layer.node ? { dependencyTypesNot: ['core'] } : {}),
  },
}))

const otherRules = [
  { name: 'no-cycles', comment: 'Types count too.', from: {}, to: { circular: true } },
  {
    name: 'no-orphans',
    comment: 'A module that nobody imports and that imports nobody is left over.',
    from: { orphan: true, pathNot: ['^scripts/', '^test/.+/fixtures/', '\\.config\\.ts$'] },
    to: {},
  },
  { name: 'resolvable', comment: 'The import leads nowhere.', from: {}, to: { couldNotResolve: true } },
  {
    name: 'nobody-imports-the-edge',
    comment: 'main.ts and cli import; they are not imported.',
    from: { pathNot: [EDGE, '^test/', TESTS] },
    to: { path: EDGE },
  },
  {
    name: 'product-knows-no-tests',
    comment: 'Nothing in src rests on tests, bench or scripts; doors publish the contract suites.',
    from: { path: '^src/', pathNot: [TESTS, '^src/doors/'] },
    to: { path: ['^(test|bench|scripts)/', TESTS] },
  },
  {
    name: 'nobody-imports-doors',
    comment: 'Doors are for others; inside, import the file itself.',
    from: { pathNot: ['^src/doors/', TESTS, '^test/'] },
    to: { path: '^src/doors/' },
  },
  {
    name: 'product-has-no-development-library',
    comment: 'What src imports is a dependency of the package.',
    from: { path: '^src/', pathNot: [TESTS, '^src/doors/'] },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'console-is-a-client',
    comment: 'It talks HTTP, through the client generated from contracts.',
    from: { path: '^console/' },
    to: { path: '^(src|test|bench|scripts)/' },
  },
  { name: 'nobody-imports-the-console', comment: 'It is a program of its own.', from: { pathNot: '^console/' }, to: { path: '^console/' } },
].map((rule) => ({ severity: 'error', ...rule }))

export default {
  forbidden: [...layerRules, ...otherRules],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage|\\.holdpoint)/' },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
}
