# Who may do what, by name: pods by pod identity, the pipeline by OpenID Connect. Nobody has a key that lasts.
locals {
  pods = ["portal", "backup", "secrets"]
}

data "aws_iam_policy_document" "pods_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "pods" {
  for_each           = toset(local.pods)
  name               = "${local.name}-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.pods_trust.json
}

resource "aws_eks_pod_identity_association" "pods" {
  for_each        = aws_iam_role.pods
  cluster_name    = aws_eks_cluster.main.name
  namespace       = "ora"
  service_account = each.key
  role_arn        = each.value.arn
}

# Portal and backup: their own bucket, and data keys under their own root key with their own purposes.
data "aws_iam_policy_document" "stores" {
  for_each = module.objects

  statement {
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${each.value.arn}/*"]
  }

  statement {
    actions   = ["s3:ListBucket"]
    resources = [each.value.arn]
  }

  statement {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.data["objects"].arn]
  }

  statement {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = [for purpose, whose in local.purposes : aws_kms_key.wrapping[purpose].arn if whose == each.key]
    # No call without a purpose in its encryption context.
    condition {
      test     = "Null"
      variable = "kms:EncryptionContext:purpose"
      values   = ["false"]
    }
  }
}

resource "aws_iam_role_policy" "stores" {
  for_each = module.objects
  role     = aws_iam_role.pods[each.key].id
  policy   = data.aws_iam_policy_document.stores[each.key].json
}

data "aws_iam_policy_document" "secrets" {
  statement {
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resources = [for each in aws_secretsmanager_secret.named : each.arn]
  }

  statement {
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.data["secrets"].arn]
  }
}

resource "aws_iam_role_policy" "secrets" {
  role   = aws_iam_role.pods["secrets"].id
  policy = data.aws_iam_policy_document.secrets.json
}

# The pipeline: images from main alone, deployment from the environment of that name alone.
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "pipeline_trust" {
  for_each = {
    push   = "repo:${var.repository}:ref:refs/heads/main"
    deploy = "repo:${var.repository}:environment:${var.environment}"
  }

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = [each.value]
    }
  }
}

resource "aws_iam_role" "pipeline" {
  for_each             = data.aws_iam_policy_document.pipeline_trust
  name                 = "${local.name}-${each.key}"
  assume_role_policy   = each.value.json
  max_session_duration = 3600
}

data "aws_iam_policy_document" "push" {
  statement {
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = [for each in aws_ecr_repository.images : each.arn]
  }
}

resource "aws_iam_role_policy" "push" {
  role   = aws_iam_role.pipeline["push"].id
  policy = data.aws_iam_policy_document.push.json
}

data "aws_iam_policy_document" "deploy" {
  statement {
    actions   = ["eks:DescribeCluster"]
    resources = [aws_eks_cluster.main.arn]
  }
}

resource "aws_iam_role_policy" "deploy" {
  role   = aws_iam_role.pipeline["deploy"].id
  policy = data.aws_iam_policy_document.deploy.json
}

resource "aws_eks_access_entry" "deploy" {
  cluster_name  = aws_eks_cluster.main.name
  principal_arn = aws_iam_role.pipeline["deploy"].arn
}

resource "aws_eks_access_policy_association" "deploy" {
  cluster_name  = aws_eks_cluster.main.name
  principal_arn = aws_iam_role.pipeline["deploy"].arn
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
  access_scope {
    type       = "namespace"
    namespaces = ["ora"]
  }
}

resource "aws_ecr_repository" "images" {
  for_each             = toset(["gateway", "relay", "portal", "fleet", "ingest", "backup"])
  name                 = "ora/${each.key}"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.data["registry"].arn
  }
}

resource "aws_ecr_lifecycle_policy" "images" {
  for_each   = aws_ecr_repository.images
  repository = each.value.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "The last two hundred builds"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 200 }
      action       = { type = "expire" }
    }]
  })
}
