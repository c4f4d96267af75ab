/* Made from the contracts by `make proto`; never edited. */

#include "ora_contract.h"

static const ora_rule_t ora_backup_v1_BackupActionStatement_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 2u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {4, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_backup_v1_Endpoint_rules[] = {
    {1, ORA_RULE_UNSIGNED, 0u, 65534u},
    {2, ORA_RULE_ITEMS, 0u, 16u},
    {2, ORA_RULE_UNSIGNED, 0u, 4294230015u},
    {3, ORA_RULE_UNSIGNED, 0u, 65534u},
};

static const ora_rule_t ora_backup_v1_Floor_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 16u},
    {2, ORA_RULE_SIGNED, 18446744073709551600u, 127u},
};

static const ora_rule_t ora_backup_v1_Layout_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 1u},
    {2, ORA_RULE_ITEMS, 0u, 512u},
    {3, ORA_RULE_ITEMS, 0u, 16u},
    {4, ORA_RULE_ITEMS, 0u, 128u},
    {5, ORA_RULE_ITEMS, 0u, 2048u},
};

static const ora_rule_t ora_backup_v1_Node_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 512u},
    {2, ORA_RULE_UNSIGNED, 0u, 65535u},
    {3, ORA_RULE_UNSIGNED, 0u, 65535u},
    {4, ORA_RULE_ITEMS, 0u, 64u},
    {5, ORA_RULE_UNSIGNED, 0u, 3u},
};

static const ora_rule_t ora_backup_v1_Placement_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 512u},
    {2, ORA_RULE_UNSIGNED, 0u, 65534u},
    {3, ORA_RULE_UNSIGNED, 0u, 128u},
    {5, ORA_RULE_UNSIGNED, 0u, 20000u},
};

static const ora_rule_t ora_backup_v1_Point_rules[] = {
    {1, ORA_RULE_SIGNED, 18446744073708551616u, 1000000u},
    {2, ORA_RULE_SIGNED, 18446744073708551616u, 1000000u},
};

static const ora_rule_t ora_backup_v1_Room_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 128u},
    {2, ORA_RULE_UNSIGNED, 0u, 14u},
    {3, ORA_RULE_UNSIGNED, 0u, 16u},
    {4, ORA_RULE_ITEMS, 0u, 64u},
};

static const ora_rule_t ora_common_v1_SignedRecord_rules[] = {
    {1, ORA_RULE_LENGTH, 1u, 4096u},
    {2, ORA_RULE_LENGTH, 64u, 64u},
    {3, ORA_RULE_LENGTH, 8u, 8u},
};

static const ora_rule_t ora_fleet_v1_BootReport_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 2u},
    {4, ORA_RULE_TEXT, 1u, 32u},
    {5, ORA_RULE_TEXT, 1u, 32u},
};

static const ora_rule_t ora_fleet_v1_CertificateRequestStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 48u, 48u},
    {3, ORA_RULE_LENGTH, 32u, 32u},
};

static const ora_rule_t ora_fleet_v1_ConsentStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {3, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {4, ORA_RULE_ITEMS, 0u, 16u},
    {4, ORA_RULE_UNIQUE, 0u, 0u},
    {4, ORA_RULE_UNSIGNED, 1u, 7u},
};

static const ora_rule_t ora_fleet_v1_DirectorStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {3, ORA_RULE_LENGTH, 16u, 16u},
    {4, ORA_RULE_LENGTH, 32u, 32u},
    {5, ORA_RULE_UNSIGNED, 1u, 1073741824u},
    {6, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {7, ORA_RULE_TEXT, 1u, 32u},
    {8, ORA_RULE_TEXT, 1u, 32u},
    {11, ORA_RULE_UNSIGNED, 1u, 4294967295u},
    {12, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {13, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_fleet_v1_InstallPermitStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {3, ORA_RULE_LENGTH, 16u, 16u},
    {4, ORA_RULE_LENGTH, 32u, 32u},
    {6, ORA_RULE_LENGTH, 16u, 16u},
    {7, ORA_RULE_UNSIGNED, 1u, 900u},
    {8, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_fleet_v1_OwnerKeyStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {3, ORA_RULE_LENGTH, 32u, 32u},
};

static const ora_rule_t ora_fleet_v1_Peer_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 32u, 32u},
};

static const ora_rule_t ora_fleet_v1_PeerListStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {3, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {4, ORA_RULE_ITEMS, 0u, 32u},
};

static const ora_rule_t ora_fleet_v1_SideloadFile_rules[] = {
    {1, ORA_RULE_TEXT, 1u, 32u},
    {2, ORA_RULE_LENGTH, 1u, 65536u},
};

static const ora_rule_t ora_fleet_v1_SideloadHead_rules[] = {
    {1, ORA_RULE_PRESENT, 0u, 0u},
    {2, ORA_RULE_PRESENT, 0u, 0u},
    {3, ORA_RULE_ITEMS, 3u, 12u},
    {4, ORA_RULE_UNSIGNED, 1u, 1073741824u},
};

static const ora_rule_t ora_fleet_v1_SideloadRequestStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {4, ORA_RULE_TEXT, 1u, 32u},
};

static const ora_rule_t ora_fleet_v1_TrustBundleStatement_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 2u},
    {2, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {3, ORA_RULE_ITEMS, 1u, 8u},
    {3, ORA_RULE_LENGTH, 32u, 32u},
    {4, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_ingest_v1_SupportGrantStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {3, ORA_RULE_LENGTH, 16u, 16u},
    {4, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_ingest_v1_TelemetryBatch_rules[] = {
    {1, ORA_RULE_ITEMS, 1u, 64u},
};

static const ora_rule_t ora_ingest_v1_TelemetrySample_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {2, ORA_RULE_UNSIGNED, 0u, 100u},
    {3, ORA_RULE_UNSIGNED, 0u, 100u},
    {4, ORA_RULE_SIGNED, 18446744073709551496u, 0u},
};

static const ora_rule_t ora_portal_v1_AccessKeyClaimStatement_rules[] = {
    {1, ORA_RULE_UNSIGNED, 0u, 1073741823u},
    {2, ORA_RULE_UNSIGNED, 1u, 4294967295u},
    {3, ORA_RULE_LENGTH, 32u, 32u},
    {4, ORA_RULE_LENGTH, 32u, 32u},
    {5, ORA_RULE_LENGTH, 32u, 32u},
};

static const ora_rule_t ora_portal_v1_AccessKeyEndorsementStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {3, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {4, ORA_RULE_UNSIGNED, 1u, 4294967295u},
    {5, ORA_RULE_LENGTH, 32u, 32u},
};

static const ora_rule_t ora_portal_v1_ClaimGrantStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {3, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {4, ORA_RULE_UNSIGNED, 1u, 4294967295u},
    {5, ORA_RULE_LENGTH, 32u, 32u},
    {6, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_portal_v1_HandoverReceiptStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {3, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {4, ORA_RULE_UNSIGNED, 1u, 4294967295u},
    {5, ORA_RULE_LENGTH, 32u, 32u},
    {6, ORA_RULE_LENGTH, 32u, 32u},
    {7, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {8, ORA_RULE_LENGTH, 32u, 32u},
    {9, ORA_RULE_LENGTH, 16u, 16u},
};

static const ora_rule_t ora_portal_v1_HubBindingStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {3, ORA_RULE_LENGTH, 32u, 32u},
    {4, ORA_RULE_UNSIGNED, 1u, 2u},
    {5, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_portal_v1_LockNoticeStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {3, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {4, ORA_RULE_UNSIGNED, 1u, 4294967295u},
    {5, ORA_RULE_UNSIGNED, 1u, 2u},
    {6, ORA_RULE_LENGTH, 32u, 32u},
    {7, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {8, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_portal_v1_LockReleaseStatement_rules[] = {
    {1, ORA_RULE_LENGTH, 16u, 16u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {3, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {4, ORA_RULE_UNSIGNED, 1u, 3u},
    {5, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_portal_v1_SigningKeyStatement_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 3u},
    {2, ORA_RULE_LENGTH, 32u, 32u},
    {3, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {4, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
};

static const ora_rule_t ora_relay_v1_Envelope_rules[] = {
    {1, ORA_RULE_LENGTH, 1u, 512u},
    {2, ORA_RULE_LENGTH, 1u, 65536u},
};

static const ora_rule_t ora_relay_v1_RouteHeader_rules[] = {
    {1, ORA_RULE_UNSIGNED, 1u, 1u},
    {2, ORA_RULE_LENGTH, 16u, 16u},
    {3, ORA_RULE_LENGTH, 16u, 16u},
    {4, ORA_RULE_UNSIGNED, 1u, 2u},
    {5, ORA_RULE_LENGTH, 16u, 16u},
    {6, ORA_RULE_UNSIGNED, 1u, 4u},
    {7, ORA_RULE_UNSIGNED, 1u, 18446744073709551615u},
    {8, ORA_RULE_UNSIGNED, 0u, 604800000u},
    {12, ORA_RULE_UNSIGNED, 0u, 8u},
    {13, ORA_RULE_LENGTH, 0u, 16u},
    {32, ORA_RULE_LENGTH, 0u, 16u},
    {35, ORA_RULE_LENGTH, 0u, 16u},
    {36, ORA_RULE_LENGTH, 0u, 16u},
    {39, ORA_RULE_UNSIGNED, 0u, 7u},
    {40, ORA_RULE_LENGTH, 0u, 16u},
    {42, ORA_RULE_TEXT, 0u, 16u},
};

static const ora_rule_t ora_relay_v1_SealedContent_rules[] = {
    {1, ORA_RULE_LENGTH, 0u, 65000u},
    {2, ORA_RULE_LENGTH, 64u, 64u},
};

const ora_message_t ora_messages[ORA_MESSAGE_COUNT] = {
    {"ora.backup.v1.BackupActionStatement", &ora_backup_v1_BackupActionStatement_msg, sizeof(ora_backup_v1_BackupActionStatement), ora_backup_v1_BackupActionStatement_rules, 3, "ora backup action v1"},
    {"ora.backup.v1.Endpoint", &ora_backup_v1_Endpoint_msg, sizeof(ora_backup_v1_Endpoint), ora_backup_v1_Endpoint_rules, 4, NULL},
    {"ora.backup.v1.Floor", &ora_backup_v1_Floor_msg, sizeof(ora_backup_v1_Floor), ora_backup_v1_Floor_rules, 2, NULL},
    {"ora.backup.v1.Layout", &ora_backup_v1_Layout_msg, sizeof(ora_backup_v1_Layout), ora_backup_v1_Layout_rules, 5, NULL},
    {"ora.backup.v1.Node", &ora_backup_v1_Node_msg, sizeof(ora_backup_v1_Node), ora_backup_v1_Node_rules, 5, NULL},
    {"ora.backup.v1.Placement", &ora_backup_v1_Placement_msg, sizeof(ora_backup_v1_Placement), ora_backup_v1_Placement_rules, 4, NULL},
    {"ora.backup.v1.Point", &ora_backup_v1_Point_msg, sizeof(ora_backup_v1_Point), ora_backup_v1_Point_rules, 2, NULL},
    {"ora.backup.v1.Room", &ora_backup_v1_Room_msg, sizeof(ora_backup_v1_Room), ora_backup_v1_Room_rules, 4, NULL},
    {"ora.common.v1.SignedRecord", &ora_common_v1_SignedRecord_msg, sizeof(ora_common_v1_SignedRecord), ora_common_v1_SignedRecord_rules, 3, NULL},
    {"ora.fleet.v1.BootReport", &ora_fleet_v1_BootReport_msg, sizeof(ora_fleet_v1_BootReport), ora_fleet_v1_BootReport_rules, 3, NULL},
    {"ora.fleet.v1.CertificateRequestStatement", &ora_fleet_v1_CertificateRequestStatement_msg, sizeof(ora_fleet_v1_CertificateRequestStatement), ora_fleet_v1_CertificateRequestStatement_rules, 3, "ora certificate request v1"},
    {"ora.fleet.v1.ConsentStatement", &ora_fleet_v1_ConsentStatement_msg, sizeof(ora_fleet_v1_ConsentStatement), ora_fleet_v1_ConsentStatement_rules, 6, "ora consent v1"},
    {"ora.fleet.v1.DirectorStatement", &ora_fleet_v1_DirectorStatement_msg, sizeof(ora_fleet_v1_DirectorStatement), ora_fleet_v1_DirectorStatement_rules, 11, "ora director v1"},
    {"ora.fleet.v1.InstallPermitStatement", &ora_fleet_v1_InstallPermitStatement_msg, sizeof(ora_fleet_v1_InstallPermitStatement), ora_fleet_v1_InstallPermitStatement_rules, 7, "ora install permit v1"},
    {"ora.fleet.v1.OwnerKeyStatement", &ora_fleet_v1_OwnerKeyStatement_msg, sizeof(ora_fleet_v1_OwnerKeyStatement), ora_fleet_v1_OwnerKeyStatement_rules, 3, "ora owner key v1"},
    {"ora.fleet.v1.Peer", &ora_fleet_v1_Peer_msg, sizeof(ora_fleet_v1_Peer), ora_fleet_v1_Peer_rules, 2, NULL},
    {"ora.fleet.v1.PeerListStatement", &ora_fleet_v1_PeerListStatement_msg, sizeof(ora_fleet_v1_PeerListStatement), ora_fleet_v1_PeerListStatement_rules, 4, "ora peer list v1"},
    {"ora.fleet.v1.SideloadFile", &ora_fleet_v1_SideloadFile_msg, sizeof(ora_fleet_v1_SideloadFile), ora_fleet_v1_SideloadFile_rules, 2, NULL},
    {"ora.fleet.v1.SideloadHead", &ora_fleet_v1_SideloadHead_msg, sizeof(ora_fleet_v1_SideloadHead), ora_fleet_v1_SideloadHead_rules, 4, NULL},
    {"ora.fleet.v1.SideloadRequestStatement", &ora_fleet_v1_SideloadRequestStatement_msg, sizeof(ora_fleet_v1_SideloadRequestStatement), ora_fleet_v1_SideloadRequestStatement_rules, 3, "ora sideload request v1"},
    {"ora.fleet.v1.TrustBundleStatement", &ora_fleet_v1_TrustBundleStatement_msg, sizeof(ora_fleet_v1_TrustBundleStatement), ora_fleet_v1_TrustBundleStatement_rules, 5, "ora trust bundle v1"},
    {"ora.ingest.v1.SupportGrantStatement", &ora_ingest_v1_SupportGrantStatement_msg, sizeof(ora_ingest_v1_SupportGrantStatement), ora_ingest_v1_SupportGrantStatement_rules, 4, "ora support grant v1"},
    {"ora.ingest.v1.TelemetryBatch", &ora_ingest_v1_TelemetryBatch_msg, sizeof(ora_ingest_v1_TelemetryBatch), ora_ingest_v1_TelemetryBatch_rules, 1, NULL},
    {"ora.ingest.v1.TelemetrySample", &ora_ingest_v1_TelemetrySample_msg, sizeof(ora_ingest_v1_TelemetrySample), ora_ingest_v1_TelemetrySample_rules, 4, NULL},
    {"ora.portal.v1.AccessKeyClaimStatement", &ora_portal_v1_AccessKeyClaimStatement_msg, sizeof(ora_portal_v1_AccessKeyClaimStatement), ora_portal_v1_AccessKeyClaimStatement_rules, 5, "ora access key claim v1"},
    {"ora.portal.v1.AccessKeyEndorsementStatement", &ora_portal_v1_AccessKeyEndorsementStatement_msg, sizeof(ora_portal_v1_AccessKeyEndorsementStatement), ora_portal_v1_AccessKeyEndorsementStatement_rules, 5, "ora access key endorsement v1"},
    {"ora.portal.v1.ClaimGrantStatement", &ora_portal_v1_ClaimGrantStatement_msg, sizeof(ora_portal_v1_ClaimGrantStatement), ora_portal_v1_ClaimGrantStatement_rules, 6, "ora claim grant v1"},
    {"ora.portal.v1.HandoverReceiptStatement", &ora_portal_v1_HandoverReceiptStatement_msg, sizeof(ora_portal_v1_HandoverReceiptStatement), ora_portal_v1_HandoverReceiptStatement_rules, 9, "ora handover receipt v1"},
    {"ora.portal.v1.HubBindingStatement", &ora_portal_v1_HubBindingStatement_msg, sizeof(ora_portal_v1_HubBindingStatement), ora_portal_v1_HubBindingStatement_rules, 5, "ora hub binding v1"},
    {"ora.portal.v1.LockNoticeStatement", &ora_portal_v1_LockNoticeStatement_msg, sizeof(ora_portal_v1_LockNoticeStatement), ora_portal_v1_LockNoticeStatement_rules, 8, "ora lock notice v1"},
    {"ora.portal.v1.LockReleaseStatement", &ora_portal_v1_LockReleaseStatement_msg, sizeof(ora_portal_v1_LockReleaseStatement), ora_portal_v1_LockReleaseStatement_rules, 5, "ora lock release v1"},
    {"ora.portal.v1.SigningKeyStatement", &ora_portal_v1_SigningKeyStatement_msg, sizeof(ora_portal_v1_SigningKeyStatement), ora_portal_v1_SigningKeyStatement_rules, 4, "ora signing key v1"},
    {"ora.relay.v1.Envelope", &ora_relay_v1_Envelope_msg, sizeof(ora_relay_v1_Envelope), ora_relay_v1_Envelope_rules, 2, NULL},
    {"ora.relay.v1.RouteHeader", &ora_relay_v1_RouteHeader_msg, sizeof(ora_relay_v1_RouteHeader), ora_relay_v1_RouteHeader_rules, 16, NULL},
    {"ora.relay.v1.SealedContent", &ora_relay_v1_SealedContent_msg, sizeof(ora_relay_v1_SealedContent), ora_relay_v1_SealedContent_rules, 2, NULL},
};
