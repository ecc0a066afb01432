// holdpoint/connector: what a connector written elsewhere implements, and the ports it is given.
export type {
  Call,
  ChangesPage,
  CommandItem,
  Connector,
  ConnectorSpec,
  Identified,
  Mapped,
  Outcome,
  ReadResult,
  RecordIdentity,
  ResourceSpec,
  SweepPage,
} from '../connectors/connector.ts'
export type {
  Clock,
  HttpCall,
  HttpRequest,
  HttpResponse,
  HttpResult,
  Ids,
  Listener,
  ListenOptions,
  Net,
  Random,
  Runtime,
  YieldLabel,
} from '../runtime.ts'
