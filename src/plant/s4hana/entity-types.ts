import { entityType } from '../odata/edm.ts'

/** Entity types of the simulated services, field by field as the vendor publishes them. */

export const HEADER = entityType({
  name: 'A_MaterialDocumentHeader',
  keys: 'MaterialDocumentYear MaterialDocument',
  navigations: 'to_MaterialDocumentItem>>A_MaterialDocumentItem',
  fields: `MaterialDocumentYear:String(4), MaterialDocument:String(10), InventoryTransactionType:String(2),
    DocumentDate:DateTime, PostingDate:DateTime, CreationDate:DateTime, CreationTime:Time, CreatedByUser:String(12),
    MaterialDocumentHeaderText:String(25), ReferenceDocument:String(16), VersionForPrintingSlip:String(1),
    ManualPrintIsTriggered:String(1), CtrlPostgForExtWhseMgmtSyst:String(1), GoodsMovementCode:String(2)`,
})

export const ITEM = entityType({
  name: 'A_MaterialDocumentItem',
  keys: 'MaterialDocumentYear MaterialDocument MaterialDocumentItem',
  navigations: 'to_MaterialDocumentHeader>A_MaterialDocumentHeader to_SerialNumbers>>A_SerialNumberMaterialDocument',
  fields: `MaterialDocumentYear:String(4), MaterialDocument:String(10), MaterialDocumentItem:String(4), Material:String(40),
    Plant:String(4), StorageLocation:String(4), Batch:String(10), BatchBySupplier:String(15), GoodsMovementType:String(3),
    InventoryStockType:String(2), InventoryValuationType:String(10), InventorySpecialStockType:String(1),
    Supplier:String(10), Customer:String(10), SalesOrder:String(10), SalesOrderItem:String(6),
    SalesOrderScheduleLine:String(4), PurchaseOrder:String(10), PurchaseOrderItem:String(5), WBSElement:String(24),
    ManufacturingOrder:String(12), ManufacturingOrderItem:String(4), GoodsMovementRefDocType:String(1),
    GoodsMovementReasonCode:String(4), Delivery:String(10), DeliveryItem:String(6), AccountAssignmentCategory:String(1),
    CostCenter:String(10), ControllingArea:String(4), CostObject:String(12), GLAccount:String(10),
    FunctionalArea:String(16), ProfitabilitySegment:String(10), ProfitCenter:String(10), MasterFixedAsset:String(12),
    FixedAsset:String(4), MaterialBaseUnit:String(3), QuantityInBaseUnit:Decimal(3), EntryUnit:String(3),
    QuantityInEntryUnit:Decimal(3), CompanyCodeCurrency:String(5), GdsMvtExtAmtInCoCodeCrcy:Decimal,
    SlsPrcAmtInclVATInCoCodeCrcy:Decimal, FiscalYear:String(4), FiscalYearPeriod:String(7), FiscalYearVariant:String(2),
    IssgOrRcvgMaterial:String(40), IssgOrRcvgBatch:String(10), IssuingOrReceivingPlant:String(4),
    IssuingOrReceivingStorageLoc:String(4), IssuingOrReceivingStockType:String(2), IssgOrRcvgSpclStockInd:String(1),
    IssuingOrReceivingValType:String(10), IsCompletelyDelivered:Boolean, MaterialDocumentItemText:String(50),
    GoodsRecipientName:String(12), UnloadingPointName:String(25), ShelfLifeExpirationDate:DateTime,
    ManufactureDate:DateTime, SerialNumbersAreCreatedAutomly:Boolean, Reservation:String(10), ReservationItem:String(4),
    ReservationItemRecordType:String(1), ReservationIsFinallyIssued:Boolean, SpecialStockIdfgSalesOrder:String(10),
    SpecialStockIdfgSalesOrderItem:String(6), SpecialStockIdfgWBSElement:String(24), IsAutomaticallyCreated:String(1),
    MaterialDocumentLine:String(6), MaterialDocumentParentLine:String(6), HierarchyNodeLevel:String(2),
    GoodsMovementIsCancelled:Boolean, ReversedMaterialDocumentYear:String(4), ReversedMaterialDocument:String(10),
    ReversedMaterialDocumentItem:String(4), ReferenceDocumentFiscalYear:String(4), InvtryMgmtRefDocumentItem:String(4),
    InvtryMgmtReferenceDocument:String(10), MaterialDocumentPostingType:String(1), InventoryUsabilityCode:String(1),
    EWMWarehouse:String(4), EWMStorageBin:String(18), DebitCreditCode:String(1)`,
})

export const ITEM_SERIAL = entityType({
  name: 'A_SerialNumberMaterialDocument',
  keys: 'Material SerialNumber MaterialDocument MaterialDocumentItem MaterialDocumentYear',
  fields: `Material:String(40), SerialNumber:String(18), MaterialDocument:String(10), MaterialDocumentItem:String(4),
    MaterialDocumentYear:String(4), ManufacturerSerialNumber:String(30), SerialNumberIsRecursive:String(1)`,
})

export const MATERIAL_STOCK = entityType({
  name: 'A_MaterialStock',
  keys: 'Material',
  navigations: 'to_MatlStkInAcctMod>>A_MatlStkInAcctMod',
  fields: `Material:String(40), MaterialBaseUnit:String(3)`,
})

export const STOCK = entityType({
  name: 'A_MatlStkInAcctMod',
  keys: 'Material Plant StorageLocation Batch Supplier Customer WBSElementInternalID SDDocument SDDocumentItem InventorySpecialStockType InventoryStockType',
  navigations: 'to_MaterialStock>A_MaterialStock to_MaterialSerialNumber>>A_MaterialSerialNumber',
  fields: `Material:String(40), Plant:String(4), StorageLocation:String(4), Batch:String(10), Supplier:String(10),
    Customer:String(10), WBSElementInternalID:String(24), SDDocument:String(10), SDDocumentItem:String(6),
    InventorySpecialStockType:String(1), InventoryStockType:String(2), WBSElementExternalID:String(24),
    MaterialBaseUnit:String(3), MatlWrhsStkQtyInMatlBaseUnit:Decimal`,
})

export const STOCK_SERIAL = entityType({
  name: 'A_MaterialSerialNumber',
  keys: 'Material SerialNumber',
  navigations: 'to_MatlStkInAcctMod>>A_MatlStkInAcctMod',
  fields: `Material:String(40), SerialNumber:String(18), Plant:String(4), StorageLocation:String(4),
    InventorySpecialStockType:String(1), Batch:String(10), InventoryStockType:String(2), Equipment:String(18),
    Customer:String(10), Supplier:String(10), SDDocument:String(10), SDDocumentItem:String(6),
    WBSElementInternalID:String(24), WBSElementExternalID:String(24)`,
})

export const COUNT = entityType({
  name: 'A_PhysInventoryDocHeader',
  keys: 'FiscalYear PhysicalInventoryDocument',
  navigations: 'to_PhysicalInventoryDocumentItem>>A_PhysInventoryDocItem',
  fields: `FiscalYear:String(4), PhysicalInventoryDocument:String(10), InventoryTransactionType:String(2), Plant:String(4),
    StorageLocation:String(4), InventorySpecialStockType:String(1), DocumentDate:DateTime,
    PhysInventoryPlannedCountDate:DateTime, PhysicalInventoryLastCountDate:DateTime, PostingDate:DateTime,
    FiscalPeriod:String(2), CreatedByUser:String(12), PostingIsBlockedForPhysInvtry:Boolean,
    PhysicalInventoryCountStatus:String(1), PhysInvtryAdjustmentPostingSts:String(1), PhysInvtryDeletionStatus:String(1),
    PhysInvtryDocHasQtySnapshot:Boolean, PhysicalInventoryGroupType:String(2), PhysicalInventoryGroup:String(10),
    PhysicalInventoryNumber:String(16), PhysInventoryReferenceNumber:String(16), PhysicalInventoryDocumentDesc:String(40),
    PhysicalInventoryType:String(1), LastChangeDateTime:DateTimeOffset`,
})

export const COUNT_ITEM = entityType({
  name: 'A_PhysInventoryDocItem',
  keys: 'FiscalYear PhysicalInventoryDocument PhysicalInventoryDocumentItem',
  fields: `FiscalYear:String(4), PhysicalInventoryDocument:String(10), PhysicalInventoryDocumentItem:String(3), Plant:String(4),
    StorageLocation:String(4), Material:String(40), Batch:String(10), InventorySpecialStockType:String(1),
    PhysicalInventoryStockType:String(1), SalesOrder:String(10), SalesOrderItem:String(6), Supplier:String(10),
    Customer:String(10), WBSElement:String(24), LastChangeUser:String(12), LastChangeDate:DateTime,
    CountedByUser:String(12), PhysicalInventoryLastCountDate:DateTime, AdjustmentPostingMadeByUser:String(12),
    PostingDate:DateTime, PhysicalInventoryItemIsCounted:Boolean, PhysInvtryDifferenceIsPosted:Boolean,
    PhysInvtryItemIsRecounted:Boolean, PhysInvtryItemIsDeleted:Boolean, IsHandledInAltvUnitOfMsr:Boolean,
    CycleCountType:String(1), IsValueOnlyMaterial:Boolean, PhysInventoryReferenceNumber:String(16),
    MaterialDocument:String(10), MaterialDocumentYear:String(4), MaterialDocumentItem:String(4),
    PhysInvtryRecountDocument:String(10), PhysicalInventoryItemIsZero:Boolean, ReasonForPhysInvtryDifference:String(4),
    MaterialBaseUnit:String(3), BookQtyBfrCountInMatlBaseUnit:Decimal, Quantity:Decimal, UnitOfEntry:String(3),
    QuantityInUnitOfEntry:Decimal, Currency:String(5), DifferenceAmountInCoCodeCrcy:Decimal,
    EnteredSlsAmtInCoCodeCrcy:Decimal, SlsPriceAmountInCoCodeCrcy:Decimal, PhysInvtryCtAmtInCoCodeCrcy:Decimal,
    BookQtyAmountInCoCodeCrcy:Decimal, LastChangeDateTime:DateTimeOffset`,
})

export const PRODUCT = entityType({
  name: 'A_Product',
  keys: 'Product',
  navigations: 'to_Plant>>A_ProductPlant',
  fields: `Product:String(40), ProductType:String(4), CrossPlantStatus:String(2), CrossPlantStatusValidityDate:DateTime,
    CreationDate:DateTime !c !u, CreatedByUser:String(12) !c !u, LastChangeDate:DateTime !c !u,
    LastChangedByUser:String(12) !c !u, LastChangeDateTime:DateTimeOffset !c !u, IsMarkedForDeletion:Boolean,
    ProductOldID:String(40), GrossWeight:Decimal, PurchaseOrderQuantityUnit:String(3), SourceOfSupply:String(1),
    WeightUnit:String(3), NetWeight:Decimal, CountryOfOrigin:String(3), CompetitorID:String(10), ProductGroup:String(9),
    BaseUnit:String(3), ItemCategoryGroup:String(4), ProductHierarchy:String(18), Division:String(2),
    VarblPurOrdUnitIsActive:String(1), VolumeUnit:String(3), MaterialVolume:Decimal, ANPCode:String(9), Brand:String(4),
    ProcurementRule:String(1), ValidityStartDate:DateTime, LowLevelCode:String(3),
    ProdNoInGenProdInPrepackProd:String(40), SerialIdentifierAssgmtProfile:String(4), SizeOrDimensionText:String(32),
    IndustryStandardName:String(18), ProductStandardID:String(18), InternationalArticleNumberCat:String(2),
    ProductIsConfigurable:Boolean, IsBatchManagementRequired:Boolean, ExternalProductGroup:String(18),
    CrossPlantConfigurableProduct:String(40), SerialNoExplicitnessLevel:String(1), ProductManufacturerNumber:String(40),
    ManufacturerNumber:String(10), ManufacturerPartProfile:String(4), QltyMgmtInProcmtIsActive:Boolean,
    IndustrySector:String(1), ChangeNumber:String(12), MaterialRevisionLevel:String(2), HandlingIndicator:String(4),
    WarehouseProductGroup:String(4), WarehouseStorageCondition:String(2), StandardHandlingUnitType:String(4),
    SerialNumberProfile:String(4), AdjustmentProfile:String(3), PreferredUnitOfMeasure:String(3), IsPilferable:Boolean,
    IsRelevantForHzdsSubstances:Boolean, QuarantinePeriod:Decimal, TimeUnitForQuarantinePeriod:String(3),
    QualityInspectionGroup:String(4), AuthorizationGroup:String(4), DocumentIsCreatedByCAD:Boolean,
    HandlingUnitType:String(4), HasVariableTareWeight:Boolean, MaximumPackagingLength:Decimal,
    MaximumPackagingWidth:Decimal, MaximumPackagingHeight:Decimal, UnitForMaxPackagingDimensions:String(3)`,
})

export const PRODUCT_PLANT = entityType({
  name: 'A_ProductPlant',
  keys: 'Product Plant',
  navigations: 'to_PlantQualityMgmt>A_ProductPlantQualityMgmt',
  fields: `Product:String(40), Plant:String(4), PurchasingGroup:String(3), CountryOfOrigin:String(3), RegionOfOrigin:String(3),
    ProductionInvtryManagedLoc:String(4), ProfileCode:String(2), ProfileValidityStartDate:DateTime,
    AvailabilityCheckType:String(2), FiscalYearVariant:String(2), PeriodType:String(1), ProfitCenter:String(10),
    Commodity:String(17), GoodsReceiptDuration:Decimal, MaintenanceStatusName:String(15), IsMarkedForDeletion:Boolean,
    MRPType:String(2), MRPResponsible:String(3), ABCIndicator:String(1), MinimumLotSizeQuantity:Decimal,
    MaximumLotSizeQuantity:Decimal, FixedLotSizeQuantity:Decimal, ConsumptionTaxCtrlCode:String(16), IsCoProduct:Boolean,
    ProductIsConfigurable:String(40), StockDeterminationGroup:String(4), StockInTransferQuantity:Decimal,
    StockInTransitQuantity:Decimal, HasPostToInspectionStock:Boolean, IsBatchManagementRequired:Boolean,
    SerialNumberProfile:String(4), IsNegativeStockAllowed:Boolean, GoodsReceiptBlockedStockQty:Decimal,
    HasConsignmentCtrl:String(1), FiscalYearCurrentPeriod:String(4), FiscalMonthCurrentPeriod:String(2),
    ProcurementType:String(1), IsInternalBatchManaged:Boolean, ProductCFOPCategory:String(2),
    ProductIsExciseTaxRelevant:Boolean, BaseUnit:String(3), ConfigurableProduct:String(40), GoodsIssueUnit:String(3),
    MaterialFreightGroup:String(8), OriginalBatchReferenceMaterial:String(40), OriglBatchManagementIsRequired:String(1),
    ProductIsCriticalPrt:Boolean, ProductLogisticsHandlingGroup:String(4)`,
})

export const PRODUCT_QUALITY = entityType({
  name: 'A_ProductPlantQualityMgmt',
  keys: 'Product Plant',
  fields: `Product:String(40), Plant:String(4), MaximumStoragePeriod:Decimal, QualityMgmtCtrlKey:String(8),
    MatlQualityAuthorizationGroup:String(6), HasPostToInspectionStock:Boolean, InspLotDocumentationIsRequired:Boolean,
    SuplrQualityManagementSystem:String(4), RecrrgInspIntervalTimeInDays:Decimal, ProductQualityCertificateType:String(4)`,
})

/** Not among the published lists at hand: the fields that public consumers of the batch service use. */
export const BATCH = entityType({
  name: 'Batch',
  keys: 'Material BatchIdentifyingPlant Batch',
  etag: 'LastChangeDateTime',
  fields: `Material:String(40) !u, BatchIdentifyingPlant:String(4) !u, Batch:String(10) !u, BatchIsMarkedForDeletion:Boolean,
    MatlBatchIsInRstrcdUseStock:Boolean, Supplier:String(10), BatchBySupplier:String(15), CountryOfOrigin:String(3),
    RegionOfOrigin:String(3), MatlBatchAvailabilityDate:DateTime, ShelfLifeExpirationDate:DateTime, ManufactureDate:DateTime,
    NextInspectionDate:DateTime, LastGoodsReceiptDate:DateTime !c !u, CreationDateTime:DateTimeOffset !c !u,
    LastChangeDateTime:DateTimeOffset !c !u`,
})

/** Read only here; the fields that matter for receiving against an order. */
export const ORDER = entityType({
  name: 'A_PurchaseOrder',
  keys: 'PurchaseOrder',
  navigations: 'to_PurchaseOrderItem>>A_PurchaseOrderItem',
  fields: `PurchaseOrder:String(10), CompanyCode:String(4), PurchaseOrderType:String(4), PurchasingProcessingStatus:String(2),
    CreatedByUser:String(12), CreationDate:DateTime, LastChangeDateTime:DateTimeOffset, Supplier:String(10),
    PurchasingOrganization:String(4), PurchaseOrderDate:DateTime, DocumentCurrency:String(5)`,
})

export const ORDER_ITEM = entityType({
  name: 'A_PurchaseOrderItem',
  keys: 'PurchaseOrder PurchaseOrderItem',
  fields: `PurchaseOrder:String(10), PurchaseOrderItem:String(5), PurchaseOrderItemText:String(40), Plant:String(4),
    StorageLocation:String(4), Material:String(40), OrderQuantity:Decimal, PurchaseOrderQuantityUnit:String(3),
    OverdelivTolrtdLmtRatioInPct:Decimal, IsCompletelyDelivered:Boolean, GoodsReceiptIsExpected:Boolean, StockType:String(1),
    PurchaseOrderItemCategory:String(1)`,
})
