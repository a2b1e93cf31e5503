package gameliftlocal

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// setTags adds tags to those of a resource, or overwrites them.
func (r *resources) setTags(arn string, tags []types.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	merged := cloneMap(r.Tags[arn])
	for _, t := range tags {
		merged[val(t.Key)] = val(t.Value)
	}
	if len(merged) > maxTagsPerResource {
		return &types.TaggingFailedException{Message: message("A resource may have %d tags.", []any{maxTagsPerResource})}
	}
	r.Tags[arn] = merged
	return nil
}

// taggable says whether the ARN names a resource that exists here.
func (s *Service) taggable(r *resources, arn string) error {
	kind, id, ok := s.names.kindOf(arn)
	known := false
	if ok {
		switch kind {
		case kindFleet:
			_, known = r.Fleets[id]
		case kindAlias:
			_, known = r.Aliases[id]
		case kindLocation:
			_, known = r.Locations[id]
		case kindQueue:
			_, known = r.Queues[id]
		case kindConfiguration:
			_, known = r.Configurations[id]
		case kindRuleSet:
			_, known = r.RuleSets[id]
		}
	}
	if !known {
		return notFound("Resource %s does not exist.", arn)
	}
	return nil
}

// canonical gives the ARN the spelling that tags are kept under.
func (s *Service) canonical(arn *string) string {
	if kind, id, ok := s.names.kindOf(val(arn)); ok {
		return s.names.arn(kind, id)
	}
	return val(arn)
}

func (s *Service) tagResource(_ context.Context, in *gamelift.TagResourceInput) (*gamelift.TagResourceOutput, error) {
	arn := s.canonical(in.ResourceARN)
	err := s.change(func(r *resources) error {
		if err := s.taggable(r, arn); err != nil {
			return err
		}
		return r.setTags(arn, in.Tags)
	}, nil)
	if err != nil {
		return nil, err
	}
	return &gamelift.TagResourceOutput{}, nil
}

func (s *Service) untagResource(_ context.Context, in *gamelift.UntagResourceInput) (*gamelift.UntagResourceOutput, error) {
	arn := s.canonical(in.ResourceARN)
	err := s.change(func(r *resources) error {
		if err := s.taggable(r, arn); err != nil {
			return err
		}
		left := maps.Clone(r.Tags[arn])
		for _, key := range in.TagKeys {
			delete(left, key)
		}
		if len(left) == 0 {
			delete(r.Tags, arn)
			return nil
		}
		r.Tags[arn] = left
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return &gamelift.UntagResourceOutput{}, nil
}

func (s *Service) listTagsForResource(_ context.Context, in *gamelift.ListTagsForResourceInput) (*gamelift.ListTagsForResourceOutput, error) {
	arn, res := s.canonical(in.ResourceARN), s.res.Load()
	if err := s.taggable(res, arn); err != nil {
		return nil, err
	}
	out := &gamelift.ListTagsForResourceOutput{Tags: []types.Tag{}}
	tags := res.Tags[arn]
	for _, key := range sortedKeys(tags) {
		out.Tags = append(out.Tags, types.Tag{Key: new(key), Value: new(tags[key])})
	}
	return out, nil
}
