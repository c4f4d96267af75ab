/* Made from the contracts by `make proto`; never edited. */

#ifndef ORA_CONTRACT_H
#define ORA_CONTRACT_H

#include "ora_message.h"

#include "ora/common/v1/signed_record.pb.h"
#include "ora/backup/v1/backup_statement.pb.h"
#include "ora/backup/v1/layout.pb.h"
#include "ora/fleet/v1/certificate_statement.pb.h"
#include "ora/fleet/v1/firmware_update.pb.h"
#include "ora/fleet/v1/hub_records.pb.h"
#include "ora/fleet/v1/firmware_statement.pb.h"
#include "ora/fleet/v1/sideload.pb.h"
#include "ora/ingest/v1/support_grant_statement.pb.h"
#include "ora/ingest/v1/telemetry.pb.h"
#include "ora/portal/v1/handover_records.pb.h"
#include "ora/portal/v1/hub_binding_statement.pb.h"
#include "ora/portal/v1/signing_key_statement.pb.h"
#include "ora/relay/v1/envelope.pb.h"
#include "ora/relay/v1/sealed_content.pb.h"

/* What a signature is for: signed before the statement, with a zero byte between them. */
#define ORA_BACKUP_V1_BACKUP_ACTION_STATEMENT_CONTEXT "ora backup action v1"
#define ORA_FLEET_V1_CERTIFICATE_REQUEST_STATEMENT_CONTEXT "ora certificate request v1"
#define ORA_FLEET_V1_CONSENT_STATEMENT_CONTEXT "ora consent v1"
#define ORA_FLEET_V1_DIRECTOR_STATEMENT_CONTEXT "ora director v1"
#define ORA_FLEET_V1_INSTALL_PERMIT_STATEMENT_CONTEXT "ora install permit v1"
#define ORA_FLEET_V1_OWNER_KEY_STATEMENT_CONTEXT "ora owner key v1"
#define ORA_FLEET_V1_PEER_LIST_STATEMENT_CONTEXT "ora peer list v1"
#define ORA_FLEET_V1_SIDELOAD_REQUEST_STATEMENT_CONTEXT "ora sideload request v1"
#define ORA_FLEET_V1_TRUST_BUNDLE_STATEMENT_CONTEXT "ora trust bundle v1"
#define ORA_INGEST_V1_SUPPORT_GRANT_STATEMENT_CONTEXT "ora support grant v1"
#define ORA_PORTAL_V1_ACCESS_KEY_CLAIM_STATEMENT_CONTEXT "ora access key claim v1"
#define ORA_PORTAL_V1_ACCESS_KEY_ENDORSEMENT_STATEMENT_CONTEXT "ora access key endorsement v1"
#define ORA_PORTAL_V1_CLAIM_GRANT_STATEMENT_CONTEXT "ora claim grant v1"
#define ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT_CONTEXT "ora handover receipt v1"
#define ORA_PORTAL_V1_HUB_BINDING_STATEMENT_CONTEXT "ora hub binding v1"
#define ORA_PORTAL_V1_LOCK_NOTICE_STATEMENT_CONTEXT "ora lock notice v1"
#define ORA_PORTAL_V1_LOCK_RELEASE_STATEMENT_CONTEXT "ora lock release v1"
#define ORA_PORTAL_V1_SIGNING_KEY_STATEMENT_CONTEXT "ora signing key v1"

/* The most that a field may hold: bytes, or entries of a list. */
#define ORA_BACKUP_V1_BACKUP_ACTION_STATEMENT_LOCATOR_MAX 16
#define ORA_BACKUP_V1_ENDPOINT_DEVICE_TYPE_IDS_COUNT_MAX 16
#define ORA_BACKUP_V1_LAYOUT_NODES_COUNT_MAX 512
#define ORA_BACKUP_V1_LAYOUT_FLOORS_COUNT_MAX 16
#define ORA_BACKUP_V1_LAYOUT_ROOMS_COUNT_MAX 128
#define ORA_BACKUP_V1_LAYOUT_PLACEMENTS_COUNT_MAX 2048
#define ORA_BACKUP_V1_NODE_ENDPOINTS_COUNT_MAX 64
#define ORA_BACKUP_V1_ROOM_OUTLINE_COUNT_MAX 64
#define ORA_COMMON_V1_SIGNED_RECORD_STATEMENT_MAX 4096
#define ORA_COMMON_V1_SIGNED_RECORD_SIGNATURE_MAX 64
#define ORA_COMMON_V1_SIGNED_RECORD_KEY_ID_MAX 8
#define ORA_FLEET_V1_BOOT_REPORT_FIRMWARE_VERSION_MAX 128
#define ORA_FLEET_V1_BOOT_REPORT_HARDWARE_MODEL_MAX 128
#define ORA_FLEET_V1_CERTIFICATE_REQUEST_STATEMENT_HUB_ID_MAX 16
#define ORA_FLEET_V1_CERTIFICATE_REQUEST_STATEMENT_CHALLENGE_MAX 48
#define ORA_FLEET_V1_CERTIFICATE_REQUEST_STATEMENT_CSR_DIGEST_MAX 32
#define ORA_FLEET_V1_CONSENT_STATEMENT_HUB_ID_MAX 16
#define ORA_FLEET_V1_CONSENT_STATEMENT_CAPABILITIES_COUNT_MAX 16
#define ORA_FLEET_V1_DIRECTOR_STATEMENT_HUB_ID_MAX 16
#define ORA_FLEET_V1_DIRECTOR_STATEMENT_UPDATE_ID_MAX 16
#define ORA_FLEET_V1_DIRECTOR_STATEMENT_ARTEFACT_DIGEST_MAX 32
#define ORA_FLEET_V1_DIRECTOR_STATEMENT_FIRMWARE_VERSION_MAX 128
#define ORA_FLEET_V1_DIRECTOR_STATEMENT_HARDWARE_MODEL_MAX 128
#define ORA_FLEET_V1_INSTALL_PERMIT_STATEMENT_HUB_ID_MAX 16
#define ORA_FLEET_V1_INSTALL_PERMIT_STATEMENT_PERMIT_ID_MAX 16
#define ORA_FLEET_V1_INSTALL_PERMIT_STATEMENT_UPDATE_ID_MAX 16
#define ORA_FLEET_V1_INSTALL_PERMIT_STATEMENT_ARTEFACT_DIGEST_MAX 32
#define ORA_FLEET_V1_INSTALL_PERMIT_STATEMENT_HUB_NONCE_MAX 16
#define ORA_FLEET_V1_OWNER_KEY_STATEMENT_HUB_ID_MAX 16
#define ORA_FLEET_V1_OWNER_KEY_STATEMENT_OWNER_PUBLIC_KEY_MAX 32
#define ORA_FLEET_V1_PEER_PEER_ID_MAX 16
#define ORA_FLEET_V1_PEER_SUBJECT_DIGEST_MAX 32
#define ORA_FLEET_V1_PEER_LIST_STATEMENT_HUB_ID_MAX 16
#define ORA_FLEET_V1_PEER_LIST_STATEMENT_PEERS_COUNT_MAX 32
#define ORA_FLEET_V1_SIDELOAD_FILE_FILE_MAX 128
#define ORA_FLEET_V1_SIDELOAD_FILE_CONTENT_MAX 65536
#define ORA_FLEET_V1_SIDELOAD_HEAD_FILES_COUNT_MAX 12
#define ORA_FLEET_V1_SIDELOAD_REQUEST_STATEMENT_HUB_ID_MAX 16
#define ORA_FLEET_V1_SIDELOAD_REQUEST_STATEMENT_HUB_NONCE_MAX 16
#define ORA_FLEET_V1_SIDELOAD_REQUEST_STATEMENT_HARDWARE_MODEL_MAX 128
#define ORA_FLEET_V1_TRUST_BUNDLE_STATEMENT_ANCHOR_FINGERPRINTS_COUNT_MAX 8
#define ORA_FLEET_V1_TRUST_BUNDLE_STATEMENT_ANCHOR_FINGERPRINTS_MAX 32
#define ORA_INGEST_V1_SUPPORT_GRANT_STATEMENT_HUB_ID_MAX 16
#define ORA_INGEST_V1_SUPPORT_GRANT_STATEMENT_GRANT_ID_MAX 16
#define ORA_INGEST_V1_TELEMETRY_BATCH_SAMPLES_COUNT_MAX 64
#define ORA_PORTAL_V1_ACCESS_KEY_CLAIM_STATEMENT_NONCE_MAX 32
#define ORA_PORTAL_V1_ACCESS_KEY_CLAIM_STATEMENT_SUBJECT_DIGEST_MAX 32
#define ORA_PORTAL_V1_ACCESS_KEY_CLAIM_STATEMENT_CLAIMANT_PUBLIC_KEY_MAX 32
#define ORA_PORTAL_V1_ACCESS_KEY_ENDORSEMENT_STATEMENT_HUB_ID_MAX 16
#define ORA_PORTAL_V1_ACCESS_KEY_ENDORSEMENT_STATEMENT_PROJECT_ID_MAX 16
#define ORA_PORTAL_V1_ACCESS_KEY_ENDORSEMENT_STATEMENT_AUTH_PUBLIC_KEY_MAX 32
#define ORA_PORTAL_V1_CLAIM_GRANT_STATEMENT_HUB_ID_MAX 16
#define ORA_PORTAL_V1_CLAIM_GRANT_STATEMENT_PROJECT_ID_MAX 16
#define ORA_PORTAL_V1_CLAIM_GRANT_STATEMENT_CLAIM_DIGEST_MAX 32
#define ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT_HUB_ID_MAX 16
#define ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT_PROJECT_ID_MAX 16
#define ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT_CLAIMANT_PUBLIC_KEY_MAX 32
#define ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT_CLAIM_DIGEST_MAX 32
#define ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT_OWNER_PUBLIC_KEY_MAX 32
#define ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT_RECEIPT_ID_MAX 16
#define ORA_PORTAL_V1_HUB_BINDING_STATEMENT_HUB_ID_MAX 16
#define ORA_PORTAL_V1_HUB_BINDING_STATEMENT_PROJECT_ID_MAX 16
#define ORA_PORTAL_V1_HUB_BINDING_STATEMENT_NONCE_MAX 32
#define ORA_PORTAL_V1_LOCK_NOTICE_STATEMENT_HUB_ID_MAX 16
#define ORA_PORTAL_V1_LOCK_NOTICE_STATEMENT_PROJECT_ID_MAX 16
#define ORA_PORTAL_V1_LOCK_NOTICE_STATEMENT_AUTH_PUBLIC_KEY_MAX 32
#define ORA_PORTAL_V1_LOCK_RELEASE_STATEMENT_HUB_ID_MAX 16
#define ORA_PORTAL_V1_LOCK_RELEASE_STATEMENT_PROJECT_ID_MAX 16
#define ORA_PORTAL_V1_SIGNING_KEY_STATEMENT_PUBLIC_KEY_MAX 32
#define ORA_RELAY_V1_ENVELOPE_ROUTE_HEADER_MAX 512
#define ORA_RELAY_V1_ENVELOPE_SEALED_MAX 65536
#define ORA_RELAY_V1_ROUTE_HEADER_HUB_ID_MAX 16
#define ORA_RELAY_V1_ROUTE_HEADER_MESSAGE_ID_MAX 16
#define ORA_RELAY_V1_ROUTE_HEADER_PEER_ID_MAX 16
#define ORA_RELAY_V1_ROUTE_HEADER_TRACE_MAX 16
#define ORA_RELAY_V1_ROUTE_HEADER_COMMAND_ID_MAX 16
#define ORA_RELAY_V1_ROUTE_HEADER_CORRELATION_ID_MAX 16
#define ORA_RELAY_V1_ROUTE_HEADER_IDEMPOTENCY_KEY_MAX 16
#define ORA_RELAY_V1_ROUTE_HEADER_POLICY_REF_MAX 16
#define ORA_RELAY_V1_ROUTE_HEADER_REGION_HINT_MAX 64
#define ORA_RELAY_V1_SEALED_CONTENT_PAYLOAD_MAX 65000
#define ORA_RELAY_V1_SEALED_CONTENT_SIGNATURE_MAX 64

/* Every message of the Hub's, for ora_decode and ora_encode. */
#define ORA_BACKUP_V1_BACKUP_ACTION_STATEMENT (&ora_messages[0])
#define ORA_BACKUP_V1_ENDPOINT (&ora_messages[1])
#define ORA_BACKUP_V1_FLOOR (&ora_messages[2])
#define ORA_BACKUP_V1_LAYOUT (&ora_messages[3])
#define ORA_BACKUP_V1_NODE (&ora_messages[4])
#define ORA_BACKUP_V1_PLACEMENT (&ora_messages[5])
#define ORA_BACKUP_V1_POINT (&ora_messages[6])
#define ORA_BACKUP_V1_ROOM (&ora_messages[7])
#define ORA_COMMON_V1_SIGNED_RECORD (&ora_messages[8])
#define ORA_FLEET_V1_BOOT_REPORT (&ora_messages[9])
#define ORA_FLEET_V1_CERTIFICATE_REQUEST_STATEMENT (&ora_messages[10])
#define ORA_FLEET_V1_CONSENT_STATEMENT (&ora_messages[11])
#define ORA_FLEET_V1_DIRECTOR_STATEMENT (&ora_messages[12])
#define ORA_FLEET_V1_INSTALL_PERMIT_STATEMENT (&ora_messages[13])
#define ORA_FLEET_V1_OWNER_KEY_STATEMENT (&ora_messages[14])
#define ORA_FLEET_V1_PEER (&ora_messages[15])
#define ORA_FLEET_V1_PEER_LIST_STATEMENT (&ora_messages[16])
#define ORA_FLEET_V1_SIDELOAD_FILE (&ora_messages[17])
#define ORA_FLEET_V1_SIDELOAD_HEAD (&ora_messages[18])
#define ORA_FLEET_V1_SIDELOAD_REQUEST_STATEMENT (&ora_messages[19])
#define ORA_FLEET_V1_TRUST_BUNDLE_STATEMENT (&ora_messages[20])
#define ORA_INGEST_V1_SUPPORT_GRANT_STATEMENT (&ora_messages[21])
#define ORA_INGEST_V1_TELEMETRY_BATCH (&ora_messages[22])
#define ORA_INGEST_V1_TELEMETRY_SAMPLE (&ora_messages[23])
#define ORA_PORTAL_V1_ACCESS_KEY_CLAIM_STATEMENT (&ora_messages[24])
#define ORA_PORTAL_V1_ACCESS_KEY_ENDORSEMENT_STATEMENT (&ora_messages[25])
#define ORA_PORTAL_V1_CLAIM_GRANT_STATEMENT (&ora_messages[26])
#define ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT (&ora_messages[27])
#define ORA_PORTAL_V1_HUB_BINDING_STATEMENT (&ora_messages[28])
#define ORA_PORTAL_V1_LOCK_NOTICE_STATEMENT (&ora_messages[29])
#define ORA_PORTAL_V1_LOCK_RELEASE_STATEMENT (&ora_messages[30])
#define ORA_PORTAL_V1_SIGNING_KEY_STATEMENT (&ora_messages[31])
#define ORA_RELAY_V1_ENVELOPE (&ora_messages[32])
#define ORA_RELAY_V1_ROUTE_HEADER (&ora_messages[33])
#define ORA_RELAY_V1_SEALED_CONTENT (&ora_messages[34])

#define ORA_MESSAGE_COUNT 35
extern const ora_message_t ora_messages[ORA_MESSAGE_COUNT];

/* Room for any of them. */
typedef union {
    ora_backup_v1_BackupActionStatement ora_backup_v1_BackupActionStatement_;
    ora_backup_v1_Endpoint ora_backup_v1_Endpoint_;
    ora_backup_v1_Floor ora_backup_v1_Floor_;
    ora_backup_v1_Layout ora_backup_v1_Layout_;
    ora_backup_v1_Node ora_backup_v1_Node_;
    ora_backup_v1_Placement ora_backup_v1_Placement_;
    ora_backup_v1_Point ora_backup_v1_Point_;
    ora_backup_v1_Room ora_backup_v1_Room_;
    ora_common_v1_SignedRecord ora_common_v1_SignedRecord_;
    ora_fleet_v1_BootReport ora_fleet_v1_BootReport_;
    ora_fleet_v1_CertificateRequestStatement ora_fleet_v1_CertificateRequestStatement_;
    ora_fleet_v1_ConsentStatement ora_fleet_v1_ConsentStatement_;
    ora_fleet_v1_DirectorStatement ora_fleet_v1_DirectorStatement_;
    ora_fleet_v1_InstallPermitStatement ora_fleet_v1_InstallPermitStatement_;
    ora_fleet_v1_OwnerKeyStatement ora_fleet_v1_OwnerKeyStatement_;
    ora_fleet_v1_Peer ora_fleet_v1_Peer_;
    ora_fleet_v1_PeerListStatement ora_fleet_v1_PeerListStatement_;
    ora_fleet_v1_SideloadFile ora_fleet_v1_SideloadFile_;
    ora_fleet_v1_SideloadHead ora_fleet_v1_SideloadHead_;
    ora_fleet_v1_SideloadRequestStatement ora_fleet_v1_SideloadRequestStatement_;
    ora_fleet_v1_TrustBundleStatement ora_fleet_v1_TrustBundleStatement_;
    ora_ingest_v1_SupportGrantStatement ora_ingest_v1_SupportGrantStatement_;
    ora_ingest_v1_TelemetryBatch ora_ingest_v1_TelemetryBatch_;
    ora_ingest_v1_TelemetrySample ora_ingest_v1_TelemetrySample_;
    ora_portal_v1_AccessKeyClaimStatement ora_portal_v1_AccessKeyClaimStatement_;
    ora_portal_v1_AccessKeyEndorsementStatement ora_portal_v1_AccessKeyEndorsementStatement_;
    ora_portal_v1_ClaimGrantStatement ora_portal_v1_ClaimGrantStatement_;
    ora_portal_v1_HandoverReceiptStatement ora_portal_v1_HandoverReceiptStatement_;
    ora_portal_v1_HubBindingStatement ora_portal_v1_HubBindingStatement_;
    ora_portal_v1_LockNoticeStatement ora_portal_v1_LockNoticeStatement_;
    ora_portal_v1_LockReleaseStatement ora_portal_v1_LockReleaseStatement_;
    ora_portal_v1_SigningKeyStatement ora_portal_v1_SigningKeyStatement_;
    ora_relay_v1_Envelope ora_relay_v1_Envelope_;
    ora_relay_v1_RouteHeader ora_relay_v1_RouteHeader_;
    ora_relay_v1_SealedContent ora_relay_v1_SealedContent_;
} ora_any_t;

#endif
