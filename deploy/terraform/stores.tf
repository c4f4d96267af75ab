# PostgreSQL, Valkey, objects: in the data subnets, reached from pods alone, sealed, and each with a way back.
resource "aws_security_group" "data" {
  for_each    = { database = 5432, cache = 6379 }
  name        = "${local.name}-${each.key}"
  description = "The ${each.key}: from pods alone"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "data" {
  for_each                     = { database = 5432, cache = 6379 }
  description                  = "From the pods to the ${each.key}"
  security_group_id            = aws_security_group.data[each.key].id
  referenced_security_group_id = aws_eks_cluster.main.vpc_config[0].cluster_security_group_id
  from_port                    = each.value
  to_port                      = each.value
  ip_protocol                  = "tcp"
}

resource "aws_db_subnet_group" "main" {
  name       = local.name
  subnet_ids = aws_subnet.data[*].id
}

resource "aws_db_parameter_group" "main" {
  name   = "${local.name}-18"
  family = "postgres18"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # Statements are not written down: their arguments may be personal. Slow ones are seen in performance insights.
  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "-1"
  }

  parameter {
    name  = "log_parameter_max_length_on_error"
    value = "0"
  }
}

resource "aws_db_instance" "main" {
  identifier                            = local.name
  engine                                = "postgres"
  engine_version                        = "18"
  instance_class                        = var.database_class
  db_name                               = "ora"
  username                              = "ora_admin"
  manage_master_user_password           = true
  master_user_secret_kms_key_id         = aws_kms_key.data["secrets"].arn
  allocated_storage                     = 100
  max_allocated_storage                 = 2000
  storage_type                          = "gp3"
  storage_encrypted                     = true
  kms_key_id                            = aws_kms_key.data["database"].arn
  multi_az                              = true
  db_subnet_group_name                  = aws_db_subnet_group.main.name
  parameter_group_name                  = aws_db_parameter_group.main.name
  vpc_security_group_ids                = [aws_security_group.data["database"].id]
  publicly_accessible                   = false
  iam_database_authentication_enabled   = true
  auto_minor_version_upgrade            = true
  backup_retention_period               = 35
  backup_window                         = "15:00-16:00"
  maintenance_window                    = "sun:16:30-sun:17:30"
  copy_tags_to_snapshot                 = true
  deletion_protection                   = true
  final_snapshot_identifier             = "${local.name}-final"
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.data["database"].arn
  performance_insights_retention_period = 7
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  ca_cert_identifier                    = "rds-ca-ecc384-g1"
}

resource "aws_iam_role" "monitoring" {
  name               = "${local.name}-database-monitoring"
  assume_role_policy = data.aws_iam_policy_document.monitoring_trust.json
}

data "aws_iam_policy_document" "monitoring_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_elasticache_subnet_group" "main" {
  name       = local.name
  subnet_ids = aws_subnet.data[*].id
}

resource "aws_elasticache_parameter_group" "main" {
  name   = "${local.name}-valkey8"
  family = "valkey8"

  # Losing Valkey loses no fact; running full must be an error that is seen, not a stream that silently lacks entries.
  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }

  parameter {
    name  = "cluster-enabled"
    value = "yes"
  }
}

resource "aws_elasticache_replication_group" "main" {
  replication_group_id       = local.name
  description                = "Directory, streams and limits of ${local.name}"
  engine                     = "valkey"
  engine_version             = "8.0"
  node_type                  = var.cache_class
  num_node_groups            = var.cache_shards
  replicas_per_node_group    = 1
  automatic_failover_enabled = true
  multi_az_enabled           = true
  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.data["cache"].arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  auto_minor_version_upgrade = true
  parameter_group_name       = aws_elasticache_parameter_group.main.name
  subnet_group_name          = aws_elasticache_subnet_group.main.name
  security_group_ids         = [aws_security_group.data["cache"].id]
  user_group_ids             = [aws_elasticache_user_group.main.user_group_id]
  maintenance_window         = "sun:17:30-sun:18:30"
}

# Who comes in is one user of ours; the one that every cluster has by itself may do nothing.
resource "aws_elasticache_user" "nobody" {
  user_id       = "${local.name}-default"
  user_name     = "default"
  engine        = "valkey"
  access_string = "off -@all"
  authentication_mode {
    type = "no-password-required"
  }
}

resource "aws_elasticache_user" "services" {
  user_id       = "${local.name}-services"
  user_name     = "services"
  engine        = "valkey"
  access_string = "on ~* &* +@all -@dangerous +info"
  authentication_mode {
    type      = "password"
    passwords = [random_password.cache.result]
  }
}

# In the state, which is sealed, and in the secret that the services read; nobody types it.
resource "random_password" "cache" {
  length  = 64
  special = false
}

resource "aws_secretsmanager_secret_version" "redis" {
  secret_id     = aws_secretsmanager_secret.named["redis"].id
  secret_string = jsonencode({ url = "rediss://services:${random_password.cache.result}@${aws_elasticache_replication_group.main.configuration_endpoint_address}:6379" })
}

resource "aws_elasticache_user_group" "main" {
  user_group_id = local.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.nobody.user_id, aws_elasticache_user.services.user_id]
}

# Sealed objects: plans of the portal and backups of homes.
module "objects" {
  source   = "./modules/sealed-bucket"
  for_each = toset(["portal", "backup"])
  name     = "${local.name}-${each.key}-${local.account}"
  key_arn  = aws_kms_key.data["objects"].arn
}

# The secrets that k8s/base/mesh/secrets.yaml reads. Their values are put in by an operator or by rotation, never here.
resource "aws_secretsmanager_secret" "named" {
  for_each = toset([
    "portal/database", "fleet/database", "ingest/database", "backup/database",
    "redis", "portal/keys", "portal/secret", "fleet/keys", "ingest/keys", "backup/keys",
  ])
  name                    = "ora/${each.key}"
  kms_key_id              = aws_kms_key.data["secrets"].arn
  recovery_window_in_days = 30
}

# A small folder that all pods of a service share: which data keys were destroyed (k8s: storage class `shared`).
resource "aws_efs_file_system" "shared" {
  creation_token  = local.name
  encrypted       = true
  kms_key_id      = aws_kms_key.data["database"].arn
  throughput_mode = "elastic"
}

resource "aws_efs_backup_policy" "shared" {
  file_system_id = aws_efs_file_system.shared.id
  backup_policy {
    status = "ENABLED"
  }
}

resource "aws_security_group" "shared" {
  name        = "${local.name}-shared"
  description = "The shared folder: from pods alone"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "shared" {
  description                  = "From the nodes to the shared folder"
  security_group_id            = aws_security_group.shared.id
  referenced_security_group_id = aws_eks_cluster.main.vpc_config[0].cluster_security_group_id
  from_port                    = 2049
  to_port                      = 2049
  ip_protocol                  = "tcp"
}

resource "aws_efs_mount_target" "shared" {
  count           = var.zones
  file_system_id  = aws_efs_file_system.shared.id
  subnet_id       = aws_subnet.data[count.index].id
  security_groups = [aws_security_group.shared.id]
}
