# One key for each thing that is kept, so that a grant for one opens no other. All rotate each year.
data "aws_caller_identity" "us" {}

locals {
  account = data.aws_caller_identity.us.account_id
  root    = "arn:aws:iam::${local.account}:root"
}

# The account decides by IAM who may use a key; the key's own policy names nobody else.
data "aws_iam_policy_document" "account" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = [local.root]
    }
  }
}

data "aws_iam_policy_document" "logs_key" {
  source_policy_documents = [data.aws_iam_policy_document.account.json]

  statement {
    sid       = "Logs"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["logs.${var.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:aws:logs:${var.region}:${local.account}:*"]
    }
  }
}

resource "aws_kms_key" "logs" {
  description             = "${local.name}: logs"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.logs_key.json
}

resource "aws_kms_key" "data" {
  for_each                = toset(["database", "cache", "objects", "secrets", "registry", "cluster"])
  description             = "${local.name}: ${each.key}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.account.json
}

# The root keys under which the services wrap data keys (mesh/kms_aws.py): one for each purpose, by alias. Each role may
# use those of its own purposes alone; `project-key` is the custody of Project Keys.
locals {
  purposes = { "project" = "portal", "search" = "portal", "project-key" = "portal", "ticket" = "backup" }
}

resource "aws_kms_key" "wrapping" {
  for_each                = local.purposes
  description             = "${local.name}: data keys of ${each.key}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.account.json
}

resource "aws_kms_alias" "wrapping" {
  for_each      = aws_kms_key.wrapping
  name          = "alias/${local.name}-${each.key}"
  target_key_id = each.value.key_id
}
