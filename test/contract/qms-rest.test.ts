import { describeConnector } from './connector.ts'
import { openUnderTest } from './qms-rest-harness.ts'

describeConnector('qms-rest, inspection', () => openUnderTest('inspection'))
describeConnector('qms-rest, inspectionStatus', () => openUnderTest('inspectionStatus'))
