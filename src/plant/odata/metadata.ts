import { drifted, type EntityType, type Property } from './edm.ts'
import type { EntitySet, FunctionImport, ODataDeps } from './odata-api.ts'

/** The EDMX document: entity types with keys, lengths and the concurrency property, sets and function imports. */
export function metadataOf<C>({ api, drift }: ODataDeps<C>): string {
  const types = api.sets.map((set) => typeText(drifted(set.type, drift())))
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" xmlns:sap="http://www.sap.com/Protocols/SAPData">',
    '<edmx:DataServices m:DataServiceVersion="2.0" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">',
    `<Schema Namespace="${api.namespace}" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">`,
    ...types,
    `<EntityContainer Name="${api.namespace}_Entities" m:IsDefaultEntityContainer="true">`,
    ...api.sets.map((set) => setText(api.namespace, set)),
    ...api.functions.map((imported) => functionText(api.namespace, imported)),
    '</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>',
  ].join('\n')
}

function typeText(type: EntityType): string {
  const keyNames = type.properties.filter(({ name }) => type.keys.includes(name)).map(({ wire }) => `<PropertyRef Name="${wire}"/>`)
  const added = Object.keys(type.added).map((name) => `<Property Name="${name}" Type="Edm.String"/>`)
  return [
    `<EntityType Name="${type.name}Type"><Key>${keyNames.join('')}</Key>`,
    ...type.properties.map((property) => propertyText(type, property)),
    ...added,
    ...type.navigations.map(({ name, set }) => `<NavigationProperty Name="${name}" ToRole="To${set}" FromRole="From${type.name}"/>`),
    '</EntityType>',
  ].join('\n')
}

function propertyText(type: EntityType, property: Property): string {
  return [
    `<Property Name="${property.wire}" Type="Edm.${property.type}"`,
    type.keys.includes(property.name) ? ' Nullable="false"' : '',
    property.type === 'String' ? ` MaxLength="${property.lengthMax}"` : '',
    property.type === 'Decimal' ? ` Precision="13" Scale="${property.scale ?? 3}"` : '',
    property.name === type.etag ? ' ConcurrencyMode="Fixed"' : '',
    property.creatable ? '' : ' sap:creatable="false"',
    property.updatable ? '' : ' sap:updatable="false"',
    '/>',
  ].join('')
}

function setText<C>(namespace: string, set: EntitySet<C>): string {
  const creatable = set.create === undefined ? ' sap:creatable="false"' : ''
  const updatable = set.update === undefined ? ' sap:updatable="false"' : ''
  return `<EntitySet Name="${set.name}" EntityType="${namespace}.${set.type.name}Type"${creatable}${updatable} sap:deletable="false"/>`
}

function functionText<C>(namespace: string, imported: FunctionImport<C>): string {
  const parameters = Object.entries(imported.parameters).map(([name, type]) => `<Parameter Name="${name}" Type="Edm.${type}" Mode="In"/>`)
  const head = `<FunctionImport Name="${imported.name}" ReturnType="${namespace}.${imported.set}Type" EntitySet="${imported.set}" m:HttpMethod="POST">`
  return `${head}${parameters.join('')}</FunctionImport>`
}
